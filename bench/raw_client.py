"""Callers on bare sockets, some of which misbehave, and what they got."""

import contextlib
import json
import re
import socket
import struct
import time
from dataclasses import dataclass

TOKENS_MAX = 200
# Longer than any of the gateway's time limits that a case meets.
ANSWER_SECONDS_MAX = 12
# In the middle of a stream.
LEAVES_AFTER_SECONDS = 0.5
STOPS_READING_SECONDS = 4
PIECE_BYTES = 65_536
# Of an answer no more is kept. What is longer is left.
ANSWER_BYTES_MAX = 64 << 20
LINGER_NOT = struct.pack("ii", 1, 0)
CODE = re.compile(rb'"code": ?"([a-z_]+)"')


@dataclass(frozen=True)
class Outcome:
    """What a caller got: a status (none if nothing came), and how the answer ended."""

    status: int | None
    ending: str
    seconds: float

    def __str__(self):
        return f"{self.status or 'nothing'}, {self.ending}"


def request(key, model, word, is_stream):
    body = {"model": model, "max_tokens": TOKENS_MAX, "stream": is_stream}
    body["messages"] = [{"role": "user", "content": f"Hello, hello, hello. [[bad {word}]]"}]
    body = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def call_as(manner, port, content):
    """Calls in one of the manners below, and tells what came of it."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX) as connection:
        received, ending = manner(connection, content)
    status = re.match(rb"HTTP/1\.1 (\d+)", without_interim(received))
    return Outcome(int(status[1]) if status else None, ending, time.monotonic() - began)


def reads(connection, content):
    connection.sendall(content)
    return read_answer(connection, time.monotonic() + ANSWER_SECONDS_MAX)


def half_closes(connection, content):
    """Says that it has nothing more to say, and reads on."""
    connection.sendall(content)
    connection.shutdown(socket.SHUT_WR)
    return read_answer(connection, time.monotonic() + ANSWER_SECONDS_MAX)


def leaves(connection, content):
    connection.sendall(content)
    received, _ending = read_answer(connection, time.monotonic() + LEAVES_AFTER_SECONDS)
    return received, "left"


def resets(connection, content):
    received, _ending = leaves(connection, content)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    return received, "reset"


def stops_reading(connection, content):
    """Reads nothing for some seconds in the middle of a stream, and then leaves."""
    received, _ending = leaves(connection, content)
    time.sleep(STOPS_READING_SECONDS)
    return received, "stopped reading"


def sends_half(connection, content):
    """Leaves in the middle of its own request."""
    connection.sendall(content[:-20])
    time.sleep(LEAVES_AFTER_SECONDS)
    return b"", "left"


def sends_half_and_resets(connection, content):
    sends_half(connection, content)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    return b"", "reset"


def read_answer(connection, until):
    """What came until then, and how it ended: whole, cut, or not yet."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while (left := until - time.monotonic()) > 0 and len(received) < ANSWER_BYTES_MAX:
            connection.settimeout(left)
            try:
                piece = connection.recv(PIECE_BYTES)
            except TimeoutError:
                return received, "unended"
            if not piece:
                return received, "cut" if received else "closed"
            received += piece
            answer = without_interim(received)
            if is_whole(answer):
                return answer, ending(answer)
        return received, "unended"
    return received, "cut" if received else "reset by the gateway"


def without_interim(received):
    """The answer without what says that there will be one (1xx)."""
    while received.startswith(b"HTTP/1.1 1"):
        received = received.partition(b"\r\n\r\n")[2]
    return received


def is_whole(received):
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if length:
        return len(body) >= int(length[1])
    return body.endswith(b"\r\n0\r\n\r\n") or body == b"0\r\n\r\n"


def ending(received):
    """Of a whole answer: its error's code, or whether a stream ended as streams do."""
    head, _, body = received.partition(b"\r\n\r\n")
    if b" 200 " not in head[:16]:
        code = CODE.search(body)
        return code[1].decode() if code else "no code"
    if b"text/event-stream" in head:
        if b'"finish_reason":"length"' in body.replace(b" ", b""):
            return "cut off at its cap"
        return "whole" if b"data: [DONE]" in body else "no end"
    return "whole"
