"""HTTP/2 as nobody should speak it: what HTTP/1.1 reads otherwise, floods, and shut windows."""

import pytest
from conftest import BODY_SECONDS, HEADER_SECONDS, IDLE_SECONDS
from frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_BYTES_MAX,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    Http2,
    ask,
    block,
    fields,
    frame,
    more_window,
    reset,
    settings,
)
from http1 import BODY, PATH

LENGTH = str(len(BODY))
SMUGGLED = "x\r\n\r\nPOST /v1/embeddings HTTP/1.1\r\nX-Smuggled: x"
RESETS = 10_000
# Frames of a header block that does not end: 16 MB.
CONTINUATIONS = 1_000
PINGS = 20_000
# What a flood may cost the gateway, whatever else the memory of a debug build does meanwhile.
MEMORY_MIB_MAX = 64
CPU_SECONDS_MAX = 30


@pytest.fixture
def connection(watched):
    with Http2(watched.gateway.port) as opened:
        yield opened


def test_a_right_request_is_served(connection, watched, caller):
    """Else the others would show nothing."""
    connection.write(ask(1, caller.key, ("content-length", LENGTH)))
    assert connection.outcome(1).status == 200
    watched.assert_reached(1)


MALFORMED = {
    "connection": {"more": [("connection", "close")]},
    "connection names the key": {"more": [("connection", "authorization")]},
    "keep-alive": {"more": [("keep-alive", "timeout=1000")]},
    "proxy-connection": {"more": [("proxy-connection", "keep-alive")]},
    "transfer-encoding": {"more": [("transfer-encoding", "chunked")]},
    "upgrade": {"more": [("upgrade", "websocket")]},
    "te": {"more": [("te", "gzip")]},
    "a name in capitals": {"more": [("X-Name", "value")]},
    "a line break in a value": {"more": [("x-name", SMUGGLED)]},
    "a line feed in a value": {"more": [("x-name", "a\nx-smuggled: b")]},
    "a carriage return in a value": {"more": [("x-name", "a\rb")]},
    "NUL in a value": {"more": [("x-name", "a\x00b")]},
    "a line break in a name": {"more": [("x-name\r\nx-smuggled", "value")]},
    "a colon in a name": {"more": [("x-name: x\r\nx-smuggled", "value")]},
    "a blank in a name": {"more": [("x name", "value")]},
    "no name": {"more": [("", "value")]},
    "a line break in the path": {"path": f"{PATH} HTTP/1.1\r\nX-Smuggled: x\r\nX-Rest:"},
    "a blank in the path": {"path": f"{PATH} HTTP/1.1"},
    "an empty path": {"path": ""},
    "a path without a slash": {"path": PATH.removeprefix("/")},
    "a line break in the method": {"method": f"POST {PATH} HTTP/1.1\r\nX-Smuggled: x\r\nX-Rest:"},
    "a blank in the method": {"method": "POST /v1/embeddings"},
    "no method": {"without": (":method",)},
    "no path": {"without": (":path",)},
    "no scheme": {"without": (":scheme",)},
    "a pseudo-header after others": {"more": [(":path", "/v1/embeddings")]},
    "a pseudo-header that nobody knows": {"more": [(":smuggled", "x")]},
    "a pseudo-header of answers": {"more": [(":status", "200")]},
    "a length below the data": {"more": [("content-length", "4")]},
    "a length above the data": {"more": [("content-length", str(len(BODY) + 4))]},
    "a length of nought": {"more": [("content-length", "0")]},
    "a negative length": {"more": [("content-length", "-1")]},
    "a length with a plus": {"more": [("content-length", f"+{LENGTH}")]},
    "a length that is none": {"more": [("content-length", "0x10")]},
    "two lengths": {"more": [("content-length", LENGTH), ("content-length", "4")]},
    "two hosts": {"more": [("host", "elsewhere.invalid")]},
}
# What the standard lets be taken or refused: where it is taken, the provider hears nothing of it.
MAY_BE_TAKEN = {
    *("te", "a path without a slash", "two hosts", "connection names the key"),
    *("connection", "keep-alive", "proxy-connection", "upgrade", "transfer-encoding"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_and_reaches_nobody(connection, watched, caller, name):
    options = dict(MALFORMED[name])
    connection.write(ask(1, caller.key, *options.pop("more", ()), **options))
    outcome = connection.outcome(1)
    assert outcome.is_over or connection.is_closed, outcome
    is_taken = outcome.status == 200
    assert not is_taken or name in MAY_BE_TAKEN, outcome
    assert is_taken or outcome.status is None or 400 <= outcome.status < 500, outcome
    for it in watched.assert_reached(1 if is_taken else 0):
        assert it.body == BODY
        assert it.values("host") == [f"127.0.0.1:{watched.tap.port}"]
        hop_by_hop = ("connection", "keep-alive", "proxy-connection", "upgrade", "te")
        assert not [name for name, _value in it.headers if name in hop_by_hop], it.headers
    assert b"smuggled" not in b"".join(watched.tap.sent()).lower()
    watched.assert_serves(caller)


def test_trailers_are_for_nobody(connection, watched, caller):
    trailers = [("authorization", "Bearer bg_smuggled"), ("content-length", "4")]
    connection.write(
        frame(HEADERS, END_HEADERS, 1, block(fields(caller.key)))
        + frame(DATA, 0, 1, BODY)
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, block(trailers))
    )
    outcome = connection.outcome(1)
    for it in watched.assert_reached(1 if outcome.status == 200 else 0):
        assert it.body == BODY
    assert b"smuggled" not in b"".join(watched.tap.sent())


def test_data_after_the_end_is_nobodys(connection, watched, caller):
    connection.write(ask(1, caller.key) + frame(DATA, END_STREAM, 1, b"smuggled"))
    connection.outcome(1)
    assert len(watched.provider_calls()) <= 1
    assert b"smuggled" not in b"".join(watched.tap.sent())
    watched.assert_serves(caller)


class Cost:
    """What something costs the gateway: it is bounded, and others are served afterwards."""

    def __init__(self, installation, caller):
        self.installation, self.caller = installation, caller
        self.gateway = installation.gateway

    def __enter__(self):
        self.memory, self.cpu = self.gateway.rss_mib(), self.gateway.cpu_seconds()
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        self.installation.assert_serves(self.caller)
        memory = self.gateway.rss_mib() - self.memory
        cpu = self.gateway.cpu_seconds() - self.cpu
        assert memory < MEMORY_MIB_MAX, f"{memory:.0f} MiB more"
        assert cpu < CPU_SECONDS_MAX, f"{cpu:.1f} s of CPU"


def test_rapid_resets_are_bounded(watched, caller):
    """CVE-2023-44487: each stream is begun and taken back at once."""
    head = block(fields(caller.key))
    with Cost(watched, caller), Http2(watched.gateway.port) as connection:
        sent = 0
        for at in range(RESETS):
            number = 2 * at + 1
            is_taken = connection.write(frame(HEADERS, END_HEADERS, number, head) + reset(number))
            if not is_taken:
                break
            sent += 1
        connection.until(lambda: connection.goaway is not None, 1)
        assert connection.goaway is not None or connection.is_closed, f"{sent} resets went through"
    watched.assert_reached(1)


def test_whole_requests_that_are_taken_back_hold_nothing(watched, caller):
    """With bodies: each is admitted, or not, and what was held for it is free again."""
    with Http2(watched.gateway.port) as connection:
        for at in range(50):
            number = 2 * at + 1
            connection.write(ask(number, caller.key) + reset(number))
        connection.until(lambda: False, 0.5)
    watched.assert_nothing_held()
    watched.assert_serves(caller)
    for it in watched.provider_calls():
        assert (it.target, it.body) == (PATH, BODY)


def test_a_header_block_without_an_end_is_bounded(watched, caller):
    """CVE-2024-27316 and its kin: CONTINUATION for ever."""
    piece = block([("x-piece", "x" * (FRAME_BYTES_MAX - 64))])
    with Cost(watched, caller), Http2(watched.gateway.port) as connection:
        connection.write(frame(HEADERS, 0, 1, block(fields(caller.key))))
        for _ in range(CONTINUATIONS):
            if not connection.write(frame(CONTINUATION, 0, 1, piece)):
                break
        connection.until(lambda: connection.goaway is not None, 2)
        assert connection.goaway is not None or connection.is_closed, "all of it was taken"
    watched.assert_reached(1)


def test_empty_continuations_are_bounded(watched, caller):
    with Cost(watched, caller), Http2(watched.gateway.port) as connection:
        connection.write(frame(HEADERS, 0, 1, block(fields(caller.key))))
        for _ in range(100):
            if not connection.write(frame(CONTINUATION, 0, 1) * 100):
                break
        connection.until(lambda: connection.goaway is not None, 2)
        assert connection.goaway is not None or connection.is_closed, "all of it was taken"
    watched.assert_reached(1)


def test_a_small_block_that_becomes_a_large_one_is_bounded(watched, caller):
    """A table entry of 3 kB that is named a thousand times: a few bytes are megabytes."""
    bomb = block(fields(caller.key)) + hpack_bomb()
    with Cost(watched, caller), Http2(watched.gateway.port) as connection:
        connection.write(frame(HEADERS, END_HEADERS, 1, bomb) + frame(DATA, END_STREAM, 1, BODY))
        outcome = connection.outcome(1)
        assert outcome.status != 200, "a head of three megabytes was taken"
        assert outcome.is_over or connection.is_closed or connection.goaway is not None
    watched.assert_reached(1)


def hpack_bomb():
    """A literal that is indexed (RFC 7541, 6.2.1), and its index (6.1) a thousand times."""
    name, value = b"x-bomb", b"x" * 3_000
    # A string's length: a prefix of seven bits, and the rest in septets (5.1).
    rest = len(value) - 127
    length = bytes((127, rest % 128 | 128, rest // 128))
    literal = b"\x40" + bytes((len(name),)) + name + length + value
    first_dynamic = 62
    return literal + bytes((128 | first_dynamic,)) * 1_000


@pytest.mark.parametrize(
    "flood",
    [frame(PING, 0, 0, bytes(8)), frame(SETTINGS, 0, 0), more_window(0, 1), frame(0xBB, 0, 0)],
    ids=["pings", "settings", "windows", "unknown"],
)
def test_frames_that_want_an_answer_are_bounded(watched, caller, flood):
    """Their answers are not read."""
    with Cost(watched, caller), Http2(watched.gateway.port) as connection:
        for _ in range(PINGS // 100):
            connection.socket.settimeout(1)
            try:
                connection.socket.sendall(flood * 100)
            except OSError:
                break
    watched.assert_reached(1)


def test_many_streams_at_once_are_bounded(connection, watched, caller):
    """Beyond what was agreed on they are refused by themselves."""
    head = block(fields(caller.key))
    streams = range(1, 2_001, 2)
    with Cost(watched, caller):
        connection.write(b"".join(frame(HEADERS, END_HEADERS, number, head) for number in streams))
        connection.until(lambda: sum(it.is_reset for it in connection.streams.values()) >= 800, 5)
        refused = sum(it.is_reset for it in connection.streams.values())
        assert refused >= 800 or connection.is_closed, f"only {refused} are refused"
    watched.assert_reached(1)


def test_a_window_of_nothing_holds_no_money_for_an_answer_that_is_whole(watched):
    """The answer cannot be sent, for its caller does not let it; but it is known what it cost."""
    caller = watched.tenant("shut")
    with Http2(watched.gateway.port, settings(initial_window_size=0)) as connection:
        connection.write(ask(1, caller.key))
        assert connection.until(lambda: connection.stream(1).status == 200), connection.streams
        assert watched.rows(caller, 1) == 1
        watched.assert_nothing_held()
        watched.assert_serves(caller)


def test_callers_over_http2_who_go_on_for_ever_are_left(watched, caller):
    """A body and a head without an end, nothing at all, and a beginning that may become HTTP/2."""
    body, head, idle = (Http2(watched.gateway.port) for _ in range(3))
    beginning = watched.connect()
    with body, head, idle, beginning:
        body.write(frame(HEADERS, END_HEADERS, 1, block(fields(caller.key))))
        head.write(frame(HEADERS, 0, 1, block(fields(caller.key))))
        beginning.write(PREFACE[:10])
        for _ in range(2 * BODY_SECONDS):
            body.until(lambda: body.stream(1).is_over, 0.5)
            body.write(frame(DATA, 0, 1, b" "))
        assert body.outcome(1).status == 408, body.streams
        seconds = 2 * (HEADER_SECONDS + IDLE_SECONDS)
        for name, connection in {"head": head, "idle": idle, "beginning": beginning}.items():
            assert connection.closes(seconds), f"{name}: it may stay for ever"
    watched.assert_reached(0)
