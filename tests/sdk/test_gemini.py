"""The official Google Gen AI SDK, changed in nothing but its base URL and key."""

import httpx2
import pytest
from google import genai
from google.genai import errors, types

MODEL = "gemini-2.5-flash"
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="Tells the weather",
            parameters=types.Schema(
                type="OBJECT", properties={"city": types.Schema(type="STRING")}
            ),
        )
    ]
)


def ask(directive):
    return f"Say hello. [[sim {directive}]]"


def client_for(gateway, key, attempts):
    options = types.HttpOptions(
        base_url=gateway.url,
        httpx_client=httpx2.Client(event_hooks=attempts.hooks),
        # The SDK does not retry unless told to; told to, it must still not repeat a refusal.
        retry_options=types.HttpRetryOptions(attempts=3, initial_delay=0.01),
    )
    return genai.Client(api_key=key, http_options=options)


@pytest.fixture
def client(gateway, rich, attempts):
    return client_for(gateway, rich.key, attempts)


def test_content(client):
    answer = client.models.generate_content(model=MODEL, contents="Say hello.")
    assert answer.text
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata.candidates_token_count == 16


def test_content_of_the_older_api_version(gateway, rich, attempts):
    client = client_for(gateway, rich.key, attempts)
    options = types.HttpOptions(api_version="v1beta")
    answer = client.models.generate_content(
        model=MODEL,
        contents="Say hello.",
        config=types.GenerateContentConfig(http_options=options),
    )
    assert answer.text


def test_stream(client):
    chunks = list(
        client.models.generate_content_stream(model=MODEL, contents=ask("output=200 chunks=64"))
    )
    assert len(chunks) >= 64
    assert "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].usage_metadata.candidates_token_count == 200


def test_stream_that_is_cut_off(client, attempts):
    chunks = list(
        client.models.generate_content_stream(
            model=MODEL,
            contents=ask("ignore_cap output=2000 chunks=2000 delay_ms=1"),
            config=types.GenerateContentConfig(max_output_tokens=50),
        )
    )
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    words = "".join(chunk.text or "" for chunk in chunks).count(" token")
    assert chunks[-1].usage_metadata.candidates_token_count == words < 100
    assert attempts.count == 1


def test_tool_call(client):
    answer = client.models.generate_content(
        model=MODEL,
        contents="What is the weather?",
        config=types.GenerateContentConfig(
            tools=[WEATHER],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        ),
    )
    assert [called.name for called in answer.function_calls] == ["weather"]


def test_count_tokens(client):
    assert client.models.count_tokens(model=MODEL, contents="Say hello.").total_tokens > 0


def test_embeddings(client):
    answer = client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"])
    assert len(answer.embeddings) == 2
    assert answer.embeddings[0].values


def test_models(client):
    assert next(iter(client.models.list()))
    assert client.models.get(model=MODEL).name == f"models/{MODEL}"


def test_ledger_counts_thoughts_as_output(gateway, attempts):
    tenant = gateway.tenant("gemini ledger", 10)
    client = client_for(gateway, tenant.key, attempts)
    usage = client.models.generate_content(
        model=MODEL, contents=ask("output=77 reasoning=30")
    ).usage_metadata
    [row] = gateway.ledger_of(tenant, 1)
    assert row["promptTok"] == usage.prompt_token_count
    assert row["compTok"] == usage.candidates_token_count + usage.thoughts_token_count


def test_error_of_the_provider_is_passed_on(client):
    with pytest.raises(errors.ClientError) as error:
        client.models.generate_content(model=MODEL, contents=ask("status=400"))
    assert error.value.status == "INVALID_ARGUMENT"


def test_server_error_of_the_provider_is_passed_on(client):
    with pytest.raises(errors.ServerError):
        client.models.generate_content(model=MODEL, contents=ask("status=503"))


def test_wrong_key_is_unauthenticated(gateway, attempts):
    with pytest.raises(errors.ClientError) as refusal:
        client_for(gateway, "bg_wrong", attempts).models.generate_content(
            model=MODEL, contents="Say hello."
        )
    assert (refusal.value.code, refusal.value.status) == (401, "UNAUTHENTICATED")
    assert attempts.count == 1


def test_unknown_model_is_not_found(client):
    with pytest.raises(errors.ClientError) as refusal:
        client.models.generate_content(model="no-such-model", contents="Say hello.")
    assert (refusal.value.code, refusal.value.status) == (404, "NOT_FOUND")


def refused_content(client):
    client.models.generate_content(
        model=MODEL,
        contents="Say hello.",
        config=types.GenerateContentConfig(max_output_tokens=100),
    )


def refused_stream(client):
    list(
        client.models.generate_content_stream(
            model=MODEL,
            contents="Say hello.",
            config=types.GenerateContentConfig(max_output_tokens=100),
        )
    )


@pytest.mark.parametrize("request_of", [refused_content, refused_stream])
def test_budget_refusal_is_attempted_once(gateway, poor, attempts, request_of):
    calls = gateway.provider_calls()
    with pytest.raises(errors.ClientError) as refusal:
        request_of(client_for(gateway, poor.key, attempts))
    assert (refusal.value.code, refusal.value.status) == (402, "RESOURCE_EXHAUSTED")
    assert attempts.count == 1
    assert gateway.provider_calls() == calls
