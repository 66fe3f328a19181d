"""Files, batches and stored responses through the official SDKs: each tenant has its own."""

import io
import json
import time

import anthropic
import openai
import pytest
from google import genai

WAIT_SECONDS_MAX = 30


def openai_client(gateway, key):
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)


def anthropic_client(gateway, key):
    return anthropic.Anthropic(base_url=gateway.url, api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def other(gateway):
    """Another tenant behind the same provider key."""
    return gateway.tenant("other of the objects", 1000)


def until(is_done, look):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not is_done(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def settled(gateway, tenant):
    """The one row that cost something, once it is there."""
    rows = until(bool, lambda: [row for row in gateway.ledger(tenant) if row["compTok"]])
    assert len(rows) == 1
    return rows[0]


def test_files(gateway, rich, other):
    client, stranger = openai_client(gateway, rich.key), openai_client(gateway, other.key)
    made = client.files.create(file=("a.jsonl", io.BytesIO(b'{"a":1}\n')), purpose="batch")
    assert client.files.retrieve(made.id).id == made.id
    assert made.id in [file.id for file in client.files.list()]
    assert client.files.content(made.id).read() == b'{"a":1}\n'
    assert made.id not in [file.id for file in stranger.files.list()]
    for theft in [stranger.files.retrieve, stranger.files.content, stranger.files.delete]:
        with pytest.raises(openai.NotFoundError):
            theft(made.id)
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)


def test_a_batch_settles_when_it_is_done(gateway, other):
    tenant = gateway.tenant("batches", 10)
    client = openai_client(gateway, tenant.key)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x"}], "max_tokens": 9}
    lines = [
        {"custom_id": str(at), "method": "POST", "url": "/v1/chat/completions", "body": body}
        for at in range(3)
    ]
    text = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("b.jsonl", io.BytesIO(text)), purpose="batch")
    made = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    done = until(lambda it: it.status == "completed", lambda: client.batches.retrieve(made.id))
    assert len(client.files.content(done.output_file_id).text.strip().splitlines()) == 3
    assert [batch.id for batch in client.batches.list()] == [made.id]
    stranger = openai_client(gateway, other.key)
    assert not list(stranger.batches.list())
    with pytest.raises(openai.NotFoundError):
        stranger.batches.cancel(made.id)
    with pytest.raises(openai.APIStatusError):
        stranger.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
    row = settled(gateway, tenant)
    assert (row["tier"], row["basis"]) == ("batch", "measured")


def test_a_stored_response(gateway, rich, other):
    client, stranger = openai_client(gateway, rich.key), openai_client(gateway, other.key)
    made = client.responses.create(model="gpt-5-mini", input="Say hello.")
    assert client.responses.retrieve(made.id).id == made.id
    assert list(client.responses.input_items.list(made.id))
    after = client.responses.create(model="gpt-5-mini", input="x", previous_response_id=made.id)
    assert after.previous_response_id == made.id
    with pytest.raises(openai.NotFoundError):
        stranger.responses.retrieve(made.id)
    with pytest.raises(openai.APIStatusError):
        stranger.responses.create(model="gpt-5-mini", input="x", previous_response_id=made.id)
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_a_response_in_the_background_settles_when_it_is_done(gateway):
    tenant = gateway.tenant("background", 10)
    client = openai_client(gateway, tenant.key)
    made = client.responses.create(
        model="gpt-5-mini", input="[[sim output=8 input=12]]", background=True
    )
    done = until(lambda it: it.status == "completed", lambda: client.responses.retrieve(made.id))
    assert done.usage.output_tokens == 8
    row = settled(gateway, tenant)
    assert (row["compTok"], row["basis"]) == (8, "measured")


def test_batches_of_messages(gateway, other):
    tenant = gateway.tenant("message batches", 10)
    client = anthropic_client(gateway, tenant.key)
    params = {
        "model": "claude-haiku-4-5",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Say hello."}],
    }
    made = client.messages.batches.create(
        requests=[{"custom_id": str(at), "params": params} for at in range(2)]
    )
    until(
        lambda it: it.processing_status == "ended",
        lambda: client.messages.batches.retrieve(made.id),
    )
    results = list(client.messages.batches.results(made.id))
    assert [result.result.type for result in results] == ["succeeded"] * 2
    assert [batch.id for batch in client.messages.batches.list()] == [made.id]
    stranger = anthropic_client(gateway, other.key)
    with pytest.raises(anthropic.NotFoundError):
        stranger.messages.batches.retrieve(made.id)
    row = settled(gateway, tenant)
    assert (row["tier"], row["basis"]) == ("batch", "measured")


@pytest.mark.filterwarnings("ignore::google.genai._common.ExperimentalWarning")
@pytest.mark.parametrize("is_in_file", [False, True])
def test_batches_of_embeddings(gateway, other, is_in_file):
    tenant = gateway.tenant(f"embedding batches {is_in_file}", 10)

    def client_for(key):
        return genai.Client(api_key=key, http_options={"base_url": gateway.url})

    client, stranger = client_for(tenant.key), client_for(other.key)
    texts = ["some words", "some other words", "a third text"]
    config = {"output_dimensionality": 8}
    src = {"inlined_requests": {"contents": texts, "config": config}}
    if is_in_file:
        lines = [
            {"key": str(at), "request": {"content": {"parts": [{"text": text}]}, **config}}
            for at, text in enumerate(texts)
        ]
        text = "\n".join(map(json.dumps, lines)).encode()
        file = client.files.upload(file=io.BytesIO(text), config={"mime_type": "application/jsonl"})
        src = {"file_name": file.name}
    made = client.batches.create_embeddings(model="gemini-embedding-2", src=src)
    done = until(
        lambda it: it.state == "JOB_STATE_SUCCEEDED", lambda: client.batches.get(name=made.name)
    )
    if is_in_file:
        content = client.files.download(file=done.dest.file_name).decode()
        answers = [json.loads(line)["response"] for line in content.strip().splitlines()]
        counts = [int(answer["tokenCount"]) for answer in answers]
    else:
        answers = [answer.response for answer in done.dest.inlined_embed_content_responses]
        assert [len(answer.embedding.values) for answer in answers] == [8] * 3
        counts = [answer.token_count for answer in answers]
    with pytest.raises(genai.errors.ClientError):
        stranger.batches.get(name=made.name)
    rows = until(bool, lambda: [row for row in gateway.ledger(tenant) if row["promptTok"]])
    assert [(row["tier"], row["basis"]) for row in rows] == [("batch", "measured")]
    assert rows[0]["promptTok"] == sum(counts) > 0


def test_files_of_google(gateway, rich, other):
    def client_for(key):
        return genai.Client(api_key=key, http_options={"base_url": gateway.url})

    client, stranger = client_for(rich.key), client_for(other.key)
    made = client.files.upload(file=io.BytesIO(b"some text"), config={"mime_type": "text/plain"})
    assert client.files.get(name=made.name).name == made.name
    assert made.name in [file.name for file in client.files.list()]
    assert made.name not in [file.name for file in stranger.files.list()]
    with pytest.raises(genai.errors.ClientError):
        stranger.files.get(name=made.name)
    client.files.delete(name=made.name)


def test_cached_contents_of_google(gateway, other):
    def client_for(key):
        return genai.Client(api_key=key, http_options={"base_url": gateway.url})

    tenant = gateway.tenant("caches", 10)
    client, stranger = client_for(tenant.key), client_for(other.key)
    book = {"contents": ["much to read " * 200], "ttl": "3600s", "display_name": "book"}
    made = client.caches.create(model="gemini-2.5-flash", config=book)
    assert made.usage_metadata.total_token_count > 100
    longer = client.caches.update(name=made.name, config={"ttl": "7200s"})
    assert longer.expire_time > made.expire_time
    answer = client.models.generate_content(
        model="gemini-2.5-flash", contents="and?", config={"cached_content": made.name}
    )
    assert answer.usage_metadata.cached_content_token_count == made.usage_metadata.total_token_count
    assert [cache.name for cache in client.caches.list()] == [made.name]
    assert not list(stranger.caches.list())
    with pytest.raises(genai.errors.ClientError):
        stranger.caches.update(name=made.name, config={"ttl": "7200s"})
    client.caches.delete(name=made.name)
    rows = until(lambda rows: len(rows) >= 3, lambda: paid(gateway, tenant))
    assert {row["basis"] for row in rows} == {"measured"}


def paid(gateway, tenant):
    return [row for row in gateway.ledger(tenant) if float(row["usd"]) > 0]


def test_google_in_openais_words(gateway, rich):
    client = openai.OpenAI(base_url=f"{gateway.url}/v1beta/openai", api_key=rich.key)
    messages = [{"role": "user", "content": "Say hello. [[sim output=11]]"}]
    answer = client.chat.completions.create(model="gemini-2.5-flash", messages=messages)
    assert answer.usage.completion_tokens == 11
    chunks = list(
        client.chat.completions.create(model="gemini-2.5-flash", messages=messages, stream=True)
    )
    assert chunks[-1].choices[0].finish_reason == "stop"
