"""The official OpenAI SDK, changed in nothing but its base URL and key."""

from decimal import Decimal

import httpx2
import openai
import pytest

MODEL = "gpt-4o-mini"
HELLO = [{"role": "user", "content": "Say hello."}]
WEATHER = {
    "name": "weather",
    "description": "Tells the weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
BUDGET_CODES = {"project_spend_limit_exceeded", "request_exceeds_budget"}


# A provider that goes on and on, whatever its cap.
RUNAWAY = "ignore_cap output=2000 chunks=2000 delay_ms=1"


def ask(directive):
    return [{"role": "user", "content": f"Say hello. [[sim {directive}]]"}]


def client_for(gateway, key, attempts):
    return openai.OpenAI(
        base_url=f"{gateway.url}/v1",
        api_key=key,
        http_client=httpx2.Client(event_hooks=attempts.hooks),
    )


@pytest.fixture
def client(gateway, rich, attempts):
    return client_for(gateway, rich.key, attempts)


def test_chat_completion(client):
    answer = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == 16
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 16


def test_provider_request_id_reaches_the_caller(client):
    answer = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-budgetguard-request-id"]


def test_stream_hides_the_usage_that_the_caller_did_not_ask_for(client):
    messages = ask("output=200 chunks=64")
    chunks = list(client.chat.completions.create(model=MODEL, messages=messages, stream=True))
    assert len(chunks) >= 64
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_stream_ends_with_the_usage_that_the_caller_asked_for(client):
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=ask("output=200 chunks=64"),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert [chunk for chunk in chunks if chunk.usage] == chunks[-1:]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 200


def test_tool_call(client):
    tools = [{"type": "function", "function": WEATHER}]
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, tools=tools)
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"


def test_streamed_tool_call(client):
    tools = [{"type": "function", "function": WEATHER}]
    with client.chat.completions.stream(model=MODEL, messages=HELLO, tools=tools) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"


def test_chat_that_is_cut_off(client):
    with client.chat.completions.stream(
        model=MODEL,
        messages=ask(RUNAWAY),
        max_completion_tokens=50,
        n=2,
        stream_options={"include_usage": True},
    ) as stream:
        # What the SDK says of every answer that reached its cap.
        with pytest.raises(openai.LengthFinishReasonError) as capped:
            stream.get_final_completion()
    answer = capped.value.completion
    assert [choice.finish_reason for choice in answer.choices] == ["length", "length"]
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=ask(RUNAWAY),
            max_completion_tokens=50,
            n=2,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    ends = {choice.index: choice.finish_reason for chunk in chunks for choice in chunk.choices}
    assert ends == {0: "length", 1: "length"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk for chunk in chunks if chunk.usage] == chunks[-1:]
    assert 100 < chunks[-1].usage.completion_tokens < 150


def test_completion_that_is_cut_off(client):
    chunks = list(
        client.completions.create(
            model="gpt-3.5-turbo-instruct",
            prompt=f"Hello [[sim {RUNAWAY}]]",
            max_tokens=50,
            stream=True,
        )
    )
    assert chunks[-1].choices[0].finish_reason == "length"
    assert sum(chunk.choices[0].text.count(" token") for chunk in chunks) < 100


def test_response_that_is_cut_off(client):
    text = f"Say hello. [[sim {RUNAWAY}]]"
    with client.responses.stream(model=MODEL, input=text, max_output_tokens=50) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert events[-1].type == "response.incomplete"
    response = events[-1].response
    assert (response.status, response.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )
    assert response.output_text == "".join(deltas)
    assert response.output[0].status == "incomplete"
    assert response.usage.output_tokens == len(deltas) < 100


def test_ledger_says_what_was_cut_off(gateway, attempts):
    tenant = gateway.tenant("openai cut off", 10)
    client = client_for(gateway, tenant.key, attempts)
    for _ in range(3):
        stream = client.chat.completions.create(
            model=MODEL, messages=ask(RUNAWAY), max_completion_tokens=50, stream=True
        )
        assert list(stream)[-1].choices[0].finish_reason == "length"
    for row in gateway.ledger_of(tenant, 3):
        assert (row["status"], row["reason"], row["basis"]) == ("success", "cut_off", "estimated")
        assert Decimal(row["usd"]) <= Decimal(row["heldUsd"])


def test_response(client):
    answer = client.responses.create(model=MODEL, input="Say hello.")
    assert answer.status == "completed"
    assert answer.output_text
    assert answer.usage.output_tokens == 16


def test_streamed_response(client):
    text = "Say hello. [[sim output=200 chunks=64]]"
    events = list(client.responses.create(model=MODEL, input=text, stream=True))
    assert events[0].type == "response.created"
    assert any(event.type == "response.output_text.delta" for event in events)
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage.output_tokens == 200


def test_response_with_a_tool_call(client):
    tools = [{"type": "function", "strict": False, **WEATHER}]
    answer = client.responses.create(model=MODEL, input="Weather?", tools=tools)
    assert [item.name for item in answer.output if item.type == "function_call"] == ["weather"]


def test_compaction(client):
    compacted = client.responses.compact(model="gpt-5-mini", input="Say hello. [[sim output=12]]")
    assert compacted.object == "response.compaction"
    assert compacted.output[-1].type == "compaction"
    assert compacted.usage.output_tokens == 12


def test_embeddings(client):
    answer = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    assert len(answer.data) == 2
    assert all(isinstance(number, float) for number in answer.data[0].embedding)
    assert answer.usage.prompt_tokens > 0


def test_completion(client):
    answer = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hello", max_tokens=8)
    assert answer.choices[0].text
    assert answer.usage.completion_tokens <= 8


def test_models(client):
    assert client.models.list().data
    assert client.models.retrieve(MODEL).id == MODEL


def test_moderation(client):
    answer = client.moderations.create(model="omni-moderation-latest", input="Hello")
    assert answer.results[0].flagged is False


def test_ledger_holds_the_usage_that_the_sdk_saw(gateway, attempts):
    tenant = gateway.tenant("openai ledger", 10)
    client = client_for(gateway, tenant.key, attempts)
    usage = client.chat.completions.create(model=MODEL, messages=ask("output=77")).usage
    [row] = gateway.ledger_of(tenant, 1)
    assert (row["promptTok"], row["compTok"]) == (usage.prompt_tokens, 77)
    assert row["status"] == "success"


def test_missing_model_is_a_bad_request(client):
    with pytest.raises(openai.BadRequestError):
        client.post("/chat/completions", body={"messages": HELLO}, cast_to=object)


def test_error_of_the_provider_is_passed_on(client):
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=ask("status=400"))


def test_error_of_the_provider_is_retried_by_the_sdk(client, attempts):
    with pytest.raises(openai.InternalServerError):
        client.with_options(max_retries=1).chat.completions.create(
            model=MODEL, messages=ask("status=500")
        )
    assert attempts.count == 2


def test_wrong_key_is_an_authentication_error(gateway, attempts):
    client = client_for(gateway, "bg_wrong", attempts)
    with pytest.raises(openai.AuthenticationError) as refusal:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert refusal.value.code == "invalid_api_key"
    assert attempts.count == 1


def test_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as refusal:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert refusal.value.code == "model_not_found"


def test_path_outside_the_table_is_not_found(client):
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing", cast_to=object)


def test_what_is_not_metered_is_refused(client):
    with pytest.raises(openai.PermissionDeniedError) as refusal:
        client.vector_stores.list()
    assert refusal.value.code == "unmetered"


@pytest.mark.parametrize("stream", [False, True])
def test_budget_refusal_is_attempted_once(gateway, poor, attempts, stream):
    client = client_for(gateway, poor.key, attempts)
    calls = gateway.provider_calls()
    with pytest.raises(openai.APIStatusError) as refusal:
        client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=100, stream=stream
        )
    assert refusal.value.status_code == 402
    assert refusal.value.type == "insufficient_quota"
    assert refusal.value.code in BUDGET_CODES
    assert refusal.value.response.headers["x-should-retry"] == "false"
    assert attempts.count == 1
    assert gateway.provider_calls() == calls
