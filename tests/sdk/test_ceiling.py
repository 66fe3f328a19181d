"""256 parallel clients on one dollar: never billed more, and nearly all of it usable."""

import asyncio
import random
from dataclasses import dataclass, field
from fractions import Fraction

import openai
from provider_bill import billed_usd, usd_per_token

CLIENTS = 256
MODEL = "gpt-4o"
LIMIT_USD = Fraction(1)
USED_USD_MIN = Fraction(95, 100)
# Refusals in a row, of all sizes, without any answer between them: the budget is used up.
REFUSALS_AT_END = 4 * CLIENTS
RUN_SECONDS_MAX = 240


@dataclass
class Load:
    client: openai.AsyncOpenAI
    sizes: random.Random
    answers: int = 0
    refusals_in_a_row: int = 0
    unexpected: list = field(default_factory=list)

    def ended(self):
        return self.unexpected or self.refusals_in_a_row >= REFUSALS_AT_END

    async def request(self):
        cap = self.sizes.randint(1, 400)
        directive = f"[[sim output={self.sizes.randint(1, cap)} chunks=4]]"
        prompt = "word " * self.sizes.randint(1, 200) + directive
        answer = await self.client.chat.completions.create(
            model=MODEL,
            max_tokens=cap,
            messages=[{"role": "user", "content": prompt}],
            stream=(stream := self.sizes.random() < 0.5),
        )
        if stream:
            async for _chunk in answer:
                pass

    async def work(self):
        while not self.ended():
            try:
                await self.request()
                self.answers += 1
                self.refusals_in_a_row = 0
            except openai.APIStatusError as error:
                if error.status_code != 402:
                    self.unexpected.append(error)
                self.refusals_in_a_row += 1
            except openai.APIError as error:
                self.unexpected.append(error)


async def spend_everything(gateway, tenant):
    async with openai.AsyncOpenAI(
        base_url=f"{gateway.url}/v1", api_key=tenant.key, max_retries=0, timeout=60
    ) as client:
        # A fixed seed repeats the sizes of a failed run, though not their timing.
        load = Load(client, random.Random(20261123))
        async with asyncio.timeout(RUN_SECONDS_MAX):
            await asyncio.gather(*(load.work() for _ in range(CLIENTS)))
    return load


def test_parallel_clients_spend_the_budget_and_not_more(gateway):
    tenant = gateway.tenant("ceiling", 1)
    known = {call["sequence"] for call in gateway.provider_calls()}

    load = asyncio.run(spend_everything(gateway, tenant))
    assert load.unexpected == []

    calls = [call for call in gateway.provider_calls() if call["sequence"] not in known]
    assert len(calls) == load.answers
    rates = usd_per_token(MODEL)
    billed = sum((billed_usd(call, rates) for call in calls), Fraction(0))
    assert billed <= LIMIT_USD
    assert billed >= USED_USD_MIN

    ledger = gateway.ledger_of(tenant, len(calls), status="success")
    assert sum(Fraction(row["usd"]) for row in ledger) == billed
