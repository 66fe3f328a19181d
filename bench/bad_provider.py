"""A provider that misbehaves as requests ask it to, on bare sockets: nothing mends what it says."""

import contextlib
import re
import socket
import struct
import threading
import time
from collections import Counter

from wire import (
    JSON_HEAD,
    STREAM_HEAD,
    answer,
    chunk,
    event,
    send_answer,
    send_stream,
    usage,
)

WORD = re.compile(rb"\[\[bad ([a-z0-9-]+)\]\]")
# What never ends by itself ends after so long, also before a gateway that waits for ever.
ENDLESS_SECONDS = 30
STEP_SECONDS = 0.05
HEAD_BYTES_MAX = 65_536
HUGE_HEADER_BYTES = 4 << 20
COMMENT = b": " + b"x" * 16_384 + b"\n\n"
LINGER_NOT = struct.pack("ii", 1, 0)
BEHAVIOURS = {}


def behaviour(function):
    BEHAVIOURS[function.__name__.replace("_", "-")] = function
    return function


class BadProvider:
    """Serves until it is left, each connection by a thread of its own; with TLS by a context."""

    def __init__(self, tls=None):
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        # Requests that came whole, by their word.
        self.requests, self.lock = Counter(), threading.Lock()

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self.listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.settimeout(ENDLESS_SECONDS)
        with connection, contextlib.suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while request := read_request(connection):
                word = WORD.findall(request)[-1].decode()
                with self.lock:
                    self.requests[word] += 1
                if BEHAVIOURS[word](connection) != "again":
                    return


def read_request(connection):
    """The bytes of a whole request; nothing if the other side is gone."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (piece := connection.recv(HEAD_BYTES_MAX)):
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)

    def is_whole():
        return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")

    while not is_whole():
        if not (piece := connection.recv(HEAD_BYTES_MAX)):
            return b""
        body += piece
    return head + body


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    connection.close()


def ticks():
    """A moment every few milliseconds, for as long as what never ends lasts."""
    until = time.monotonic() + ENDLESS_SECONDS
    while time.monotonic() < until:
        yield
        time.sleep(STEP_SECONDS)


def await_the_end(connection):
    """Says nothing more, until the other side hangs up."""
    with contextlib.suppress(OSError):
        while connection.recv(HEAD_BYTES_MAX):
            pass


# What is right: others are measured by it.


@behaviour
def good(connection):
    send_answer(connection, answer(usage(10, 2)))
    return "again"


@behaviour
def good_stream(connection):
    send_stream(connection, usage(10, 20))
    return "again"


@behaviour
def steady_stream(connection):
    connection.sendall(STREAM_HEAD)
    for _ in range(20):
        connection.sendall(event("word "))
        time.sleep(STEP_SECONDS)
    connection.sendall(event(usage=usage(10, 20)) + chunk(b"data: [DONE]\n\n") + chunk(b""))
    return "again"


# It never answers.


@behaviour
def silent(connection):
    await_the_end(connection)


@behaviour
def silent_after_head(connection):
    connection.sendall(STREAM_HEAD)
    await_the_end(connection)


@behaviour
def silent_in_stream(connection):
    connection.sendall(STREAM_HEAD + event("word ") * 3)
    await_the_end(connection)


@behaviour
def dripping_head(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-drip: ")
    for _ in ticks():
        connection.sendall(b"x")


@behaviour
def interim_then_good(connection):
    connection.sendall(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
    time.sleep(STEP_SECONDS)
    return good(connection)


@behaviour
def interim_then_silent(connection):
    connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
    await_the_end(connection)


@behaviour
def continues_for_ever(connection):
    for _ in ticks():
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")


# It answers garbage.


@behaviour
def garbage(connection):
    connection.sendall(bytes(range(256)) * 16)


@behaviour
def closes(connection):
    connection.close()


@behaviour
def resets(connection):
    reset(connection)


@behaviour
def broken_json(connection):
    send_answer(connection, answer(usage(10, 2))[:-20])
    return "again"


@behaviour
def empty_answer(connection):
    send_answer(connection, b"")
    return "again"


@behaviour
def not_utf8(connection):
    send_answer(connection, b"\xff\xfe" * 100)
    return "again"


@behaviour
def broken_events(connection):
    broken = [b"data: {not json}\n\n", b"data:\n\n", b"\xff\xff\n\n", b"data: [1, 2]\n\n"]
    connection.sendall(STREAM_HEAD + event("word ") + b"".join(map(chunk, broken)))
    connection.sendall(chunk(b"data: [DONE]\n\n") + chunk(b""))
    return "again"


@behaviour
def broken_chunks(connection):
    connection.sendall(STREAM_HEAD + event("word ") + b"zz\r\nnot a chunk\r\n")
    await_the_end(connection)


@behaviour
def false_gzip(connection):
    send_answer(connection, b"this is not gzip", b"content-encoding: gzip\r\n")
    return "again"


@behaviour
def huge_header(connection):
    connection.sendall(JSON_HEAD + b"x-huge: " + b"x" * HUGE_HEADER_BYTES + b"\r\n")
    connection.sendall(b"content-length: 2\r\n\r\n{}")


# It streams for ever.


@behaviour
def endless_stream(connection):
    connection.sendall(STREAM_HEAD)
    for _ in ticks():
        connection.sendall(event("word ") * 20)


@behaviour
def endless_pings(connection):
    connection.sendall(STREAM_HEAD + event("word "))
    for _ in ticks():
        connection.sendall(chunk(b": ping\n\n"))


@behaviour
def endless_flood(connection):
    connection.sendall(STREAM_HEAD + event("word "))
    until = time.monotonic() + ENDLESS_SECONDS
    while time.monotonic() < until:
        connection.sendall(chunk(COMMENT))


@behaviour
def endless_event(connection):
    """One event whose line never ends."""
    connection.sendall(STREAM_HEAD + chunk(b"data: "))
    until = time.monotonic() + ENDLESS_SECONDS
    while time.monotonic() < until:
        connection.sendall(chunk(b"x" * 65_536))


@behaviour
def endless_json(connection):
    connection.sendall(JSON_HEAD + b"transfer-encoding: chunked\r\n\r\n")
    until = time.monotonic() + ENDLESS_SECONDS
    while time.monotonic() < until:
        connection.sendall(chunk(b" " * 65_536))


# It ends too early, or says so.


@behaviour
def half_answer(connection):
    content = answer(usage(10, 2))
    connection.sendall(JSON_HEAD + f"content-length: {len(content)}\r\n\r\n".encode())
    connection.sendall(content[: len(content) // 2])


@behaviour
def half_stream(connection):
    connection.sendall(STREAM_HEAD + event("word ") * 5)


@behaviour
def reset_in_stream(connection):
    connection.sendall(STREAM_HEAD + event("word ") * 5)
    time.sleep(STEP_SECONDS)
    reset(connection)


@behaviour
def length_too_large(connection):
    content = answer(usage(10, 2))
    connection.sendall(JSON_HEAD + f"content-length: {len(content) + 50}\r\n\r\n".encode())
    connection.sendall(content)
    await_the_end(connection)


@behaviour
def length_too_small(connection):
    content = answer(usage(10, 2))
    connection.sendall(JSON_HEAD + f"content-length: {len(content) - 50}\r\n\r\n".encode())
    connection.sendall(content)
    return "again"


@behaviour
def length_of_letters(connection):
    connection.sendall(JSON_HEAD + b"content-length: many\r\n\r\n" + answer(usage(10, 2)))


@behaviour
def two_lengths(connection):
    content = answer(usage(10, 2))
    lengths = f"content-length: 5\r\ncontent-length: {len(content)}\r\n\r\n".encode()
    connection.sendall(JSON_HEAD + lengths + content)


# It lies about usage.


@behaviour
def usage_of_nothing(connection):
    send_answer(connection, answer(usage(0, 0), "word " * 50))
    return "again"


@behaviour
def usage_of_nothing_streamed(connection):
    send_stream(connection, usage(0, 0), words=50)
    return "again"


@behaviour
def usage_too_large(connection):
    send_answer(connection, answer(usage(10, 5_000)))
    return "again"


@behaviour
def usage_beyond_all(connection):
    send_answer(connection, answer(usage(10**30, 10**30)))
    return "again"


@behaviour
def usage_below_nothing(connection):
    send_answer(connection, answer(usage(-5, -7)))
    return "again"


@behaviour
def usage_of_words(connection):
    send_answer(connection, answer(usage("many", "1e3")))
    return "again"


@behaviour
def usage_missing(connection):
    send_answer(connection, answer(None))
    return "again"
