"""Answers in OpenAI's words, as bytes on a connection."""

import contextlib
import json

MODEL = "gpt-4o-mini"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def chunk(content):
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def event(delta=None, usage=None):
    """A part of a stream, in OpenAI's words."""
    choices = [{"index": 0, "delta": {"content": delta}, "finish_reason": None}] if delta else []
    told = {"id": "chatcmpl-bad", "object": "chat.completion.chunk", "model": MODEL}
    told |= {"created": 0, "choices": choices} | ({"usage": usage} if usage else {})
    return chunk(b"data: " + json.dumps(told).encode() + b"\n\n")


def usage(prompt, completion):
    total = None
    with contextlib.suppress(TypeError):
        total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def answer(told_usage, text="Hello."):
    message = {"role": "assistant", "content": text}
    told = {"id": "chatcmpl-bad", "object": "chat.completion", "model": MODEL, "created": 0}
    told |= {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return json.dumps(told | {"usage": told_usage}).encode()


def send_answer(connection, content, more_head=b""):
    length = f"content-length: {len(content)}\r\n\r\n".encode()
    connection.sendall(JSON_HEAD + more_head + length + content)


def send_stream(connection, told_usage, words=20):
    connection.sendall(STREAM_HEAD)
    for _ in range(words):
        connection.sendall(event("word "))
    connection.sendall(event(usage=told_usage) + chunk(b"data: [DONE]\n\n") + chunk(b""))
