"""OpenAI's SDK in a conversation: its turns are answered, metered and refused like requests."""

import openai
import pytest

MODEL = "gpt-realtime"


def client(gateway, key):
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)


def say(connection, text):
    connection.conversation.item.create(
        item={
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
        }
    )


def answer(connection):
    """The text of the next answer and how it ended, or the error that came instead."""
    text = ""
    for event in connection:
        if event.type == "response.output_text.delta":
            text += event.delta
        elif event.type in ("response.done", "error"):
            return text, event
    raise AssertionError("the conversation ended")


def test_turns_are_answered_and_metered(gateway, rich):
    before = len(gateway.ledger(rich))
    with client(gateway, rich.key).realtime.connect(model=MODEL) as connection:
        connection.session.update(
            session={"type": "realtime", "output_modalities": ["text"], "instructions": "Be brief."}
        )
        for said in ("hello", "and again"):
            say(connection, said)
            connection.response.create()
            text, end = answer(connection)
            assert text
            assert end.type == "response.done"
            assert end.response.status == "completed"
            assert end.response.usage.output_tokens > 0
    rows = gateway.ledger_of(rich, before + 2)[:2]
    for row in rows:
        assert (row["route"], row["model"], row["status"]) == ("/v1/realtime", MODEL, "success")
    # What was said before is read again.
    assert rows[0]["promptTok"] > rows[1]["promptTok"]


def test_a_cap_is_kept(gateway, rich):
    with client(gateway, rich.key).realtime.connect(model=MODEL) as connection:
        say(connection, "hello")
        connection.response.create(response={"max_output_tokens": 5})
        _, end = answer(connection)
        assert end.response.usage.output_tokens <= 5


def test_a_turn_that_no_budget_has_room_for_is_an_error_event(gateway, poor):
    calls = len(gateway.provider_calls())
    with client(gateway, poor.key).realtime.connect(model=MODEL) as connection:
        say(connection, "hello")
        connection.response.create(event_id="mine")
        _, refusal = answer(connection)
        assert refusal.type == "error"
        assert refusal.error.type == "insufficient_quota"
        assert refusal.error.event_id == "mine"
    assert len(gateway.provider_calls()) == calls


def test_a_wrong_key_opens_nothing(gateway):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as refusal:
        client(gateway, "bg_wrong").realtime.connect(model=MODEL).enter()
    assert refusal.value.response.status_code == 401
