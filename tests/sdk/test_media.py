"""Images and audio through the official OpenAI SDK."""

import io
import struct

import openai
import pytest

IMAGE_MODEL = "gpt-image-1"


@pytest.fixture
def client(gateway, rich):
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=rich.key, max_retries=0)


def png():
    """The smallest picture that has a size."""
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
    return io.BytesIO(head + struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0) + b"\0" * 4)


def wav(seconds=2, rate=8000):
    """Silence."""
    data = b"\0" * (seconds * rate * 2)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1,
                       rate, rate * 2, 2, 16)
    return io.BytesIO(head + struct.pack("<4sI", b"data", len(data)) + data)


def test_an_image_is_made(client):
    answer = client.images.generate(model=IMAGE_MODEL, prompt="A cat", size="1024x1024", quality="low")
    assert answer.data[0].b64_json
    assert answer.usage.output_tokens > 0


def test_an_image_is_made_as_a_stream(client):
    stream = client.images.generate(
        model=IMAGE_MODEL, prompt="A cat", size="1024x1024", quality="low", stream=True,
        partial_images=1,
    )
    events = list(stream)
    assert events[-1].type == "image_generation.completed"
    assert events[-1].usage.output_tokens > 0


def test_an_image_is_edited(client):
    image = ("cat.png", png(), "image/png")
    answer = client.images.edit(
        model=IMAGE_MODEL, image=image, prompt="A dog", size="1024x1024", quality="low"
    )
    assert answer.data[0].b64_json


def test_speech(client):
    answer = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello.")
    assert answer.read()


@pytest.mark.parametrize("streamed", [False, True])
def test_a_recording_is_written_down(client, streamed):
    answer = client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("hello.wav", wav(), "audio/wav"), stream=streamed
    )
    if streamed:
        events = list(answer)
        assert events[-1].type == "transcript.text.done"
    else:
        assert answer.text


def test_an_unpriced_model_is_refused(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.images.generate(model="a-model-nobody-knows", prompt="A cat")
    assert refused.value.code == "model_not_found"


def test_an_image_is_refused_that_the_budget_does_not_pay_for(gateway, poor):
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=poor.key)
    with pytest.raises(openai.APIStatusError) as refused:
        client.images.generate(model=IMAGE_MODEL, prompt="A cat", quality="low")
    assert refused.value.status_code == 402
