"""The trials of faults (bench/faults, bench/misbehaviour): what they find, they find."""

import contextlib
import os
import socket
import threading
import time
from fractions import Fraction
from types import SimpleNamespace

import aftermath
import bad_provider
import pytest
import raw_client
import stage as staging
from fleet import Lines, start_lines
from spending import Billed, Tenant
from wire import MODEL

CALL_SECONDS_MAX = 10
SHORT_SECONDS = 0.3
CALL = Billed("chatcmpl-1", Fraction(1, 100), ("tenant", "key-0"))
TENANT = Tenant(1, ["bg_key"], [7], {})


def row(**changed):
    told = {"id": "request-1", "upstreamRequestId": "chatcmpl-1", "usd": "0.01"}
    return told | {"status": "success", "apiKeyId": 7, "tags": [], "sessionId": None} | changed


def found(check, *arguments):
    faults = []
    check(*arguments, faults)
    return faults


def test_a_ledger_that_has_each_call_once_is_right():
    assert found(aftermath.check_ledger, TENANT, [row()], [CALL], False) == []
    assert found(aftermath.check_duplicates, [row()]) == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([], "the ledger has no row"),
        ([row(usd="0.02")], "the ledger has 0.02"),
        ([row(), row(id="request-2")], "2 rows in the ledger for 1 calls"),
        ([row(status="interrupted", upstreamRequestId=None)], "the ledger has no row"),
    ],
)
def test_a_row_that_is_lost_wrong_or_too_many_is_found(rows, fault):
    assert fault in " ".join(found(aftermath.check_ledger, TENANT, rows, [CALL], False))


def test_what_a_kill_interrupted_is_known_by_its_scopes():
    interrupted = row(status="interrupted", upstreamRequestId=None)
    assert found(aftermath.check_ledger, TENANT, [interrupted], [CALL], True) == []
    lost = found(aftermath.check_ledger, TENANT, [interrupted], [CALL, CALL], True)
    assert lost == ["1 calls without a row: ('tenant', 'key-0')"]


def test_rows_that_are_there_twice_are_found():
    twice = [row(), row(id="request-2")]
    assert "chatcmpl-1 has 2 rows" in found(aftermath.check_duplicates, twice)[0]
    twice = [row(), row(upstreamRequestId="chatcmpl-2")]
    assert "request-1 has 2 rows" in found(aftermath.check_duplicates, twice)[0]


def test_a_panic_is_found(tmp_path):
    log = tmp_path / "replica.log"
    log.write_text("started\nthread 'main' panicked at src/main.rs:1:\nboom\nstopped\n")
    program = SimpleNamespace(name="replica-0", log=log)
    [fault] = found(aftermath.check_logs, [program])
    assert "src/main.rs:1: / boom" in fault
    log.write_text("started\n")
    assert found(aftermath.check_logs, [program]) == []


def test_open_files_are_counted_without_those_to_the_provider():
    program = SimpleNamespace(process=SimpleNamespace(pid=os.getpid()))
    with socket.create_server(("127.0.0.1", 0)) as provider, contextlib.ExitStack() as kept:
        port = provider.getsockname()[1]
        before = aftermath.open_files(program, port)
        kept.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert aftermath.open_files(program, port) == before
        kept.enter_context(open(os.devnull))
        assert aftermath.open_files(program, port) == before + 1


@pytest.fixture
def line(tmp_path):
    """A line to a store that says everything again; and what disturbs it."""
    with contextlib.ExitStack() as running:
        store = running.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=echo, args=(store,), daemon=True).start()
        stage = staging.Stage(tmp_path, tmp_path, running)
        target = SimpleNamespace(name="redis", port=store.getsockname()[1])
        nothing = SimpleNamespace(name="postgres", port=1)
        lines = start_lines(stage, staging.Stores({}, nothing, target), 1)
        yield lines


def echo(store):
    def answer(connection):
        with connection, contextlib.suppress(OSError):
            while piece := connection.recv(1_024):
                connection.sendall(piece)

    with contextlib.suppress(OSError):
        while True:
            threading.Thread(target=answer, args=(store.accept()[0],), daemon=True).start()


def connect(lines: Lines):
    [port] = [port for store, _replica, port in lines.ends if store == "redis"]
    return socket.create_connection(("127.0.0.1", port), timeout=CALL_SECONDS_MAX)


def ask(connection, words=b"ping"):
    """What comes back, and after how many seconds."""
    began = time.monotonic()
    connection.sendall(words)
    told = b""
    while len(told) < len(words):
        told += connection.recv(1_024)
    return told, time.monotonic() - began


def test_a_line_that_is_not_disturbed_passes_everything_on(line):
    with connect(line) as connection:
        told, seconds = ask(connection)
    assert told == b"ping" and seconds < SHORT_SECONDS
    assert line.tell("redis", [0], "pass") == 0


def test_a_slow_line_takes_its_time_in_both_directions(line):
    with connect(line) as connection:
        line.tell("redis", [0], "delay", SHORT_SECONDS)
        told, seconds = ask(connection)
    assert told == b"ping" and 2 * SHORT_SECONDS <= seconds
    assert line.tell("redis", [0], "pass") >= 2


def test_a_stalled_line_passes_so_many_bytes_a_second(line):
    with connect(line) as connection:
        line.tell("redis", [0], "throttle", 1_000)
        _told, seconds = ask(connection, b"x" * 500)
    assert seconds >= 0.5


def test_a_partition_keeps_what_was_said_until_it_is_over(line):
    with connect(line) as connection:
        line.tell("redis", [0], "partition")
        connection.sendall(b"ping")
        connection.settimeout(SHORT_SECONDS)
        with pytest.raises(TimeoutError):
            connection.recv(1_024)
        with connect(line) as another:
            another.sendall(b"pong")
            assert line.tell("redis", [0], "pass") == 2
            assert another.recv(1_024) == b"pong"
        connection.settimeout(CALL_SECONDS_MAX)
        assert connection.recv(1_024) == b"ping"


def test_a_reset_ends_connections_that_there_are_and_new_ones(line):
    with connect(line) as connection:
        ask(connection)
        line.tell("redis", [0], "reset")
        with pytest.raises(ConnectionResetError):
            connection.recv(1_024)
    with pytest.raises(ConnectionResetError), connect(line) as connection:
        connection.recv(1_024)
    line.tell("redis", [0], "pass")
    with connect(line) as connection:
        assert ask(connection)[0] == b"ping"


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("good", "200, whole"),
        ("good-stream", "200, whole"),
        ("closes", "nothing, closed"),
        ("resets", "nothing, reset by the gateway"),
        ("garbage", "nothing, cut"),
        ("half-answer", "200, cut"),
        ("half-stream", "200, cut"),
        ("reset-in-stream", "200, cut"),
        ("usage-missing", "200, whole"),
    ],
)
def test_what_a_caller_got_is_told_as_it_is(word, outcome):
    with bad_provider.BadProvider() as provider:
        content = raw_client.request("bg_key", MODEL, word, is_stream=False)
        got = raw_client.call_as(raw_client.reads, provider.port, content)
        assert str(got) == outcome
        assert provider.requests == {word: 1}


def test_a_provider_that_says_nothing_is_left_without_an_answer(monkeypatch):
    monkeypatch.setattr(raw_client, "ANSWER_SECONDS_MAX", SHORT_SECONDS)
    with bad_provider.BadProvider() as provider:
        content = raw_client.request("bg_key", MODEL, "silent", is_stream=False)
        got = raw_client.call_as(raw_client.reads, provider.port, content)
        assert str(got) == "nothing, unended"
