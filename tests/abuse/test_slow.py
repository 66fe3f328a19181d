"""Callers who say too little or take too little: they are left, and nothing of them stays."""

import itertools
import json
import os
import resource
import time

import pytest
import stage as staging
from conftest import BODY_SECONDS, HEADER_SECONDS, IDLE_SECONDS, eventually
from frames import Http2, ask, settings
from http1 import Connection, head, request

CALLERS = 40
# Time limits are looked at when they are due, on a machine that does other things too.
LATE_SECONDS_MAX = 3
FILES_MAX = 200
DRIP_SECONDS, MOMENT_SECONDS = 0.3, 0.001


def open_files(gateway):
    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))


def drip(connections, seconds, is_done):
    """Writes a little on each connection until it is done with; how many are not in the end."""
    waiting, deadline = list(connections), time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        for connection in waiting:
            connection.write(connection.piece)
            connection.more(MOMENT_SECONDS)
        waiting = [connection for connection in waiting if not is_done(connection)]
        time.sleep(DRIP_SECONDS)
    return len(waiting)


def test_heads_that_come_byte_by_byte_are_left(watched, caller):
    """Callers who say nothing at all, a line without an end, and a head without an end."""
    before = open_files(watched.gateway)
    connections = [watched.connect() for _ in range(CALLERS)]
    begun = ((b"", b""), (b"G", b"x"), (head(caller.key)[:-2] + b"X-Drip: ", b"x"))
    for connection, (first, piece) in zip(connections, itertools.cycle(begun)):
        connection.write(first)
        connection.piece = piece
    left = drip(connections, HEADER_SECONDS + LATE_SECONDS_MAX, lambda it: it.is_closed)
    assert left == 0, f"{left} of {CALLERS} are still let"
    eventually(lambda: open_files(watched.gateway) <= before + 2, "their files are closed")
    watched.assert_reached(0)
    watched.assert_serves(caller)


# Far more than comes in the time, in a form that is right so far.
FRAMINGS = {"Content-Length: 100000": b" ", "Transfer-Encoding: chunked": b"1\r\n \r\n"}


def test_bodies_that_come_byte_by_byte_are_told_so_and_left(watched, caller):
    connections = [watched.connect() for _ in range(CALLERS)]
    for connection, (framing, piece) in zip(connections, itertools.cycle(FRAMINGS.items())):
        connection.write(head(caller.key, framing))
        connection.piece = piece
    seconds = BODY_SECONDS + LATE_SECONDS_MAX
    left = drip(connections, seconds, lambda it: it.read or it.is_closed)
    assert left == 0, f"{left} of {CALLERS} are still let"
    assert {it.answer(LATE_SECONDS_MAX).status for it in connections} == {408}
    assert all(connection.closes(LATE_SECONDS_MAX) for connection in connections)
    watched.assert_reached(0)
    watched.assert_serves(caller)


def stream_body(**directives):
    """Asks for a stream, with words for the simulated provider."""
    words = " ".join(f"{name}={value}" for name, value in directives.items())
    body = {"model": "gpt-4o-mini", "stream": True, "max_tokens": directives["output"]}
    body |= {"messages": [{"role": "user", "content": f"[[sim {words}]]"}]}
    return json.dumps(body).encode()


def streamed(key, **directives):
    return request(key, body=stream_body(**directives))


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_a_caller_who_does_not_read_its_stream_is_left(watched, caller, version):
    """More than all buffers on the way, or a window of nothing: nobody gets rid of it."""
    directives = {"output": 200_000, "chunks": 100_000}
    if version == "HTTP/1.1":
        connection = watched.connect()
        connection.write(streamed(caller.key, **directives))
    else:
        connection = Http2(watched.gateway.port, settings(initial_window_size=0))
        connection.write(ask(1, caller.key, body=stream_body(**directives)))
    with connection:
        held = "budgetguard_reservations_open"
        eventually(lambda: watched.metric(held) == 1, "the stream began")
        seconds = IDLE_SECONDS + 1
        eventually(lambda: watched.metric(held) == 0, "it is settled without its caller", seconds)


def test_callers_who_leave_in_the_middle_of_streams_leave_nothing(watched):
    caller = watched.tenant("leaves")
    connections = [watched.connect() for _ in range(CALLERS)]
    for connection in connections:
        connection.write(streamed(caller.key, output=200, chunks=200, delay_ms=50))
    for connection in connections:
        assert connection.more(10)
        connection.socket.close()
    watched.assert_nothing_held()
    assert watched.rows(caller, CALLERS, query="") == CALLERS
    eventually(lambda: watched.books()["totals"]["in_flight"] == 0, "the provider has no call left")


def test_idle_connections_do_not_take_the_files_that_requests_need(stage, watched):
    """A gateway that may open few files, and callers who open all of them and say nothing."""
    settings = watched.gateway.environment | {"DATA_DIR": str(stage.folder / "few-files")}
    few = stage.start_gateway(watched.simulator.port, "few", settings | {"PORT": port()})
    few.port = int(few.environment["PORT"])
    few.wait()
    resource.prlimit(few.process.pid, resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    idle = []
    for _ in range(2 * FILES_MAX):
        idle.append(Connection(few.port))
    try:
        with_files = type(watched)(few, watched.simulator, watched.tap)
        # Within the time after which those who say nothing are left.
        eventually(lambda: is_served(few), "callers are let in again", 4 * HEADER_SECONDS + 10)
        tenant = with_files.tenant("few")
        with_files.assert_serves(tenant)
        assert with_files.rows(tenant, 1) == 1
    finally:
        for connection in idle:
            connection.socket.close()
        few.stop()


def port():
    return str(staging.free_port())


def is_served(gateway):
    try:
        return staging.call(gateway.port, "GET", "/health")
    except OSError:
        return None
