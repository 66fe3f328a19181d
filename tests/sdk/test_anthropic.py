"""The official Anthropic SDK, changed in nothing but its base URL and key."""

import anthropic
import httpx2
import pytest

MODEL = "claude-haiku-4-5"
HELLO = [{"role": "user", "content": "Say hello."}]
WEATHER = {
    "name": "weather",
    "description": "Tells the weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def ask(directive):
    return [{"role": "user", "content": f"Say hello. [[sim {directive}]]"}]


def client_for(gateway, key, attempts):
    return anthropic.Anthropic(
        base_url=gateway.url,
        api_key=key,
        http_client=httpx2.Client(event_hooks=attempts.hooks),
    )


@pytest.fixture
def client(gateway, rich, attempts):
    return client_for(gateway, rich.key, attempts)


def test_message(client):
    answer = client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert answer.content[0].text
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens == 16


def test_key_in_the_older_header(gateway, rich, attempts):
    client = client_for(gateway, "", attempts).with_options(
        default_headers={"x-api-key": rich.key, "authorization": anthropic.Omit()}
    )
    assert client.messages.create(model=MODEL, max_tokens=100, messages=HELLO).content


def test_provider_request_id_reaches_the_caller(client):
    answer = client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert answer._request_id.startswith("req_")


def test_stream(client):
    messages = ask("output=200 chunks=64")
    with client.messages.stream(model=MODEL, max_tokens=400, messages=messages) as stream:
        deltas = list(stream.text_stream)
        answer = stream.get_final_message()
    assert len(deltas) >= 64
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens == 200


def test_cap_ends_the_answer(client):
    messages = ask("output=200")
    answer = client.messages.create(model=MODEL, max_tokens=50, messages=messages)
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 50


def test_stream_that_is_cut_off(client, attempts):
    messages = ask("ignore_cap output=2000 chunks=2000 delay_ms=1")
    with client.messages.stream(model=MODEL, max_tokens=50, messages=messages) as stream:
        text = "".join(stream.text_stream)
        answer = stream.get_final_message()
    assert answer.stop_reason == "max_tokens"
    assert answer.content[0].text == text
    assert answer.usage.output_tokens == text.count(" token") < 100
    assert attempts.count == 1


def test_tool_call(client):
    answer = client.messages.create(
        model=MODEL, max_tokens=100, messages=HELLO, tools=[WEATHER]
    )
    assert answer.stop_reason == "tool_use"
    assert [block.name for block in answer.content if block.type == "tool_use"] == ["weather"]


def test_count_tokens(client):
    assert client.messages.count_tokens(model=MODEL, messages=HELLO).input_tokens > 0


def test_models(client):
    assert client.models.list().data
    assert client.models.retrieve(MODEL).id == MODEL


def test_ledger_counts_cached_tokens_inside_the_input(gateway, attempts):
    tenant = gateway.tenant("anthropic ledger", 10)
    client = client_for(gateway, tenant.key, attempts)
    messages = ask("input=150 cached=100 output=77")
    usage = client.messages.create(model=MODEL, max_tokens=100, messages=messages).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (50, 100)
    [row] = gateway.ledger_of(tenant, 1)
    assert (row["promptTok"], row["compTok"]) == (150, 77)


def test_error_of_the_provider_is_passed_on(client):
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=MODEL, max_tokens=100, messages=ask("status=400"))


def test_overload_of_the_provider_is_retried_by_the_sdk(client, attempts):
    with pytest.raises(anthropic.APIStatusError) as error:
        client.with_options(max_retries=1).messages.create(
            model=MODEL, max_tokens=100, messages=ask("status=529")
        )
    assert error.value.status_code == 529
    assert attempts.count == 2


def test_wrong_key_is_an_authentication_error(gateway, attempts):
    client = client_for(gateway, "bg_wrong", attempts)
    with pytest.raises(anthropic.AuthenticationError) as refusal:
        client.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert refusal.value.type == "authentication_error"
    assert attempts.count == 1


def test_unknown_model_is_not_found(client):
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="no-such-model", max_tokens=100, messages=HELLO)


def test_path_outside_the_table_is_not_found(client):
    with pytest.raises(anthropic.NotFoundError):
        client.get("/v1/messages/nothing", cast_to=object)


@pytest.mark.parametrize("stream", [False, True])
def test_budget_refusal_is_attempted_once(gateway, poor, attempts, stream):
    client = client_for(gateway, poor.key, attempts)
    calls = gateway.provider_calls()
    with pytest.raises(anthropic.PaymentRequiredError) as refusal:
        client.messages.create(model=MODEL, max_tokens=100, messages=HELLO, stream=stream)
    assert refusal.value.error_code == "enforced_spend_limit_reached"
    assert refusal.value.response.headers["x-should-retry"] == "false"
    assert attempts.count == 1
    assert gateway.provider_calls() == calls
