"""One call of each kind at a time: the gateway's figure is the provider's bill."""

import json
from dataclasses import dataclass
from fractions import Fraction

from calls import DONE, Chat, difference, post_once, within
from trial import Outcome, scenario

BUDGET_USD = Fraction(1)
STREAM = "chunks=8"
EMBEDDED = "word " * 50


@dataclass
class Case:
    """A call of a kind, with a key of its own, and what the provider billed for it."""

    kind: str
    key: object
    billed: Fraction


def chats():
    """Calls of each kind to the model that does not reason."""
    return {
        "JSON": Chat(input=321, output=45),
        "stream, usage not asked for": Chat(input=322, output=46, stream=True, pace=STREAM),
        "stream, usage declined": Chat(
            input=323, output=47, stream=True, include_usage=False, pace=STREAM
        ),
        "stream, usage asked for": Chat(
            input=324, output=48, stream=True, include_usage=True, pace=STREAM
        ),
        "cached input": Chat(input=640, cached=512, output=20),
        "cached input, stream": Chat(input=641, cached=513, output=21, stream=True, pace=STREAM),
        "tools": Chat(input=80, output=25, tools=True),
        "tools, stream": Chat(input=81, output=26, tools=True, stream=True, pace=STREAM),
    }


def reasoning_chats():
    return {
        "reasoning": Chat(input=90, output=130, reasoning=100, cap=400),
        "reasoning, stream": Chat(
            input=91, output=131, reasoning=101, cap=400, stream=True, pace=STREAM
        ),
    }


@scenario(
    "accounting",
    "JSON, streams, cached and reasoning tokens, tools, embeddings: spent as billed, each",
    needs=("spend",),
)
def accounting(trial):
    configuration, faults, cases = trial.configuration, [], []
    asked = [(kind, configuration.chat, chat) for kind, chat in chats().items()]
    if configuration.reasoning:
        reasoning = reasoning_chats().items()
        asked += [(kind, configuration.reasoning, chat) for kind, chat in reasoning]
    for kind, model, chat in asked:
        cases.append(ask_chat(trial, kind, model, chat, faults))
    if configuration.embeddings:
        cases.append(ask_embeddings(trial, faults))
    exact, figures = 0, {}
    for case in cases:
        told = settled(trial, case)
        figures[case.kind] = {"billed_usd": case.billed, "told_usd": told}
        exact += check(trial, case, told, faults)
    billed = sum((case.billed for case in cases), Fraction(0))
    left_out = [name for name in ("reasoning", "embeddings") if not getattr(configuration, name)]
    remark = f"{exact} of {len(cases)} kinds as billed"
    remark += f"; no model for {', '.join(left_out)}" if left_out else ""
    return Outcome({"billed_usd": billed, "kinds": figures}, faults, remark)


def ask_chat(trial, kind, model, chat, faults):
    case, answer = ask(trial, kind, trial.configuration.paths.chat, chat.body(model))
    if answer.status != 200 or not answer.is_whole(chat):
        faults.append(f"{kind}: {answer.shown()}")
    return case


def ask_embeddings(trial, faults):
    body = json.dumps({"model": trial.configuration.embeddings.name, "input": EMBEDDED}).encode()
    path = trial.configuration.paths.embeddings
    case, answer = ask(trial, "embeddings", path, body)
    if answer.status != 200:
        faults.append(f"embeddings: {answer.shown()}")
    return case


def ask(trial, kind, path, body):
    key = trial.gateway.new_key(BUDGET_USD, kind)
    last = trial.provider.last()
    answer = post_once(trial.gateway, path, key.headers, body)
    return Case(kind, key, trial.provider.billed(after=last)), answer


def settled(trial, case):
    """What the gateway tells of a case, once it is the bill, or when the time is over."""
    rounding = trial.configuration.tolerance.rounding_usd
    _, told = trial.settled(case.key, lambda usd, _: within(usd, case.billed, rounding))
    return told


def check(trial, case, told, faults):
    """Whether all readings tell the bill."""
    rounding = trial.configuration.tolerance.rounding_usd
    wrong = [
        f"{case.kind}: `{reading}` differs from the bill by {difference(usd, case.billed)}"
        for reading, usd in told.items()
        if not within(usd, case.billed, rounding)
    ]
    if case.billed == 0:
        wrong.append(f"{case.kind}: the provider billed nothing")
    faults += wrong
    return not wrong


@scenario(
    "hidden-usage",
    "a stream without a word on usage has no chunk of it, and is billed; one with it has it",
    needs=("spend",),
)
def hidden_usage(trial):
    model, faults, figures = trial.configuration.chat, [], {}
    for kind, include_usage in (("not asked for", None), ("asked for", True)):
        chat = Chat(input=55, output=40, stream=True, include_usage=include_usage, pace=STREAM)
        case, answer = ask(trial, kind, trial.configuration.paths.chat, chat.body(model))
        if answer.status != 200 or not answer.is_whole(chat):
            faults.append(f"usage {kind}: {answer.shown()}")
            continue
        told = settled(trial, case)
        figures[kind] = {"billed_usd": case.billed, "told_usd": told}
        check(trial, case, told, faults)
        check_chunks(answer, include_usage, faults)
    billed = sum((figure["billed_usd"] for figure in figures.values()), Fraction(0))
    return Outcome({"billed_usd": billed, "streams": figures}, faults)


def check_chunks(answer, include_usage, faults):
    """Usage is in a last chunk without choices for those who asked for it, else nowhere."""
    chunks = [json.loads(event) for event in answer.events() if event != DONE]
    usage = [chunk for chunk in chunks if chunk.get("usage") or not chunk.get("choices")]
    if include_usage and (usage != chunks[-1:] or not usage[0].get("usage")):
        faults.append(f"usage was asked for, and {len(usage)} chunks tell of it")
    if not include_usage and usage:
        faults.append(f"usage was not asked for, and the caller got {json.dumps(usage[0])[:300]}")
