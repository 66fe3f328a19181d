"""HTTP/1.1 by hand, for what no HTTP library would send."""

import json
import re
import socket
import time
from dataclasses import dataclass

ANSWER_SECONDS_MAX = 10
# Long enough for a second answer to come, if there is one.
SILENCE_SECONDS = 0.1
PATH = "/v1/chat/completions"
BODY = json.dumps(
    {
        "model": "gpt-4o-mini",
        "max_tokens": 16,
        "messages": [{"role": "user", "content": "hello"}],
    }
).encode()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict
    body: bytes


class Caller:
    """Who has a `socket` to a port of this machine."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def write(self, data):
        """As much as the other side takes: it may have hung up on what it refuses."""
        try:
            self.socket.settimeout(ANSWER_SECONDS_MAX)
            self.socket.sendall(data)
            return True
        except OSError:
            return False


class Connection(Caller):
    """A caller who speaks HTTP/1.1."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX)
        self.read, self.is_closed = b"", False
        # What somebody who is slow writes now and then.
        self.piece = b""

    def more(self, seconds):
        """Whether something came in that time."""
        self.socket.settimeout(seconds)
        try:
            piece = self.socket.recv(65_536)
        except TimeoutError:
            return False
        except OSError:
            piece = b""
        self.is_closed = not piece
        self.read += piece
        return bool(piece)

    def answer(self, seconds=ANSWER_SECONDS_MAX):
        """The next answer that is none of those with 1xx; nothing if none came."""
        deadline = time.monotonic() + seconds
        while True:
            answer, rest = take_answer(self.read, self.is_closed)
            if answer and answer.status >= 200:
                self.read = rest
                return answer
            if answer:
                self.read = rest
                continue
            left = deadline - time.monotonic()
            if self.is_closed or left <= 0 or not (self.more(left) or self.is_closed):
                return None

    def answers(self):
        """All answers, until the connection is closed or nothing more comes."""
        answers, seconds = [], ANSWER_SECONDS_MAX
        while answer := self.answer(seconds):
            answers.append(answer)
            seconds = SILENCE_SECONDS
        return answers

    def closes(self, seconds=ANSWER_SECONDS_MAX):
        """Whether the other side closes it in time; what comes before does not matter."""
        deadline = time.monotonic() + seconds
        while not self.is_closed and (left := deadline - time.monotonic()) > 0:
            self.more(left)
        return self.is_closed


def take_answer(data, is_closed):
    """The first whole answer, and what comes after it."""
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None, data
    line, *fields = head.decode("latin-1").split("\r\n")
    assert re.match(r"HTTP/1\.1 \d{3}", line), f"no answer: {data[:500]!r}"
    status = int(line.split(" ")[1])
    headers = {}
    for text in fields:
        name, _colon, value = text.partition(":")
        headers[name.lower()] = value.strip()
    if status < 200 or status in (204, 304):
        return Answer(status, headers, b""), rest
    if "content-length" in headers:
        length = int(headers["content-length"])
        if len(rest) < length:
            return None, data
        return Answer(status, headers, rest[:length]), rest[length:]
    if "chunked" in headers.get("transfer-encoding", ""):
        body, rest = take_chunks(rest)
        return (None, data) if body is None else (Answer(status, headers, body), rest)
    return (Answer(status, headers, rest), b"") if is_closed else (None, data)


def take_chunks(data):
    body = b""
    while True:
        line, end, rest = data.partition(b"\r\n")
        if not end:
            return None, data
        length = int(line, 16)
        if len(rest) < length + 2:
            return None, data
        body, data = body + rest[:length], rest[length + 2 :]
        if length == 0:
            return body, data


def head(key, *lines, method="POST", target=PATH):
    """A request's head with more lines in it, which may be bytes of any kind."""
    first = [f"{method} {target} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {key}"]
    encoded = [line if isinstance(line, bytes) else line.encode() for line in [*first, *lines]]
    return b"\r\n".join(encoded) + b"\r\n\r\n"


def request(key, *lines, body=BODY, method="POST", target=PATH):
    """A whole request whose length is told."""
    length = f"Content-Length: {len(body)}"
    return head(key, *lines, length, method=method, target=target) + body


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunks(*pieces):
    return b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
