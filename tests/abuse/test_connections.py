"""The short form of bench/connections: many idle connections, and many open streams."""

import contextlib
import http.client
import subprocess
import sys

from conftest import REPOSITORY

CONNECTIONS, STREAMS, STREAM_SECONDS = 2_000, 500, 6
SECONDS_MAX = 120
SOFT_FILES, HARD_FILES = 256, 4_096


def test_many_connections_and_streams_are_kept_served_and_charged_once(stage):
    command = [sys.executable, REPOSITORY / "bench" / "connections"]
    command += ["--connections", str(CONNECTIONS), "--streams", str(STREAMS)]
    command += ["--seconds", str(STREAM_SECONDS)]
    command += ["--binaries", stage.binaries]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{CONNECTIONS:,} idle connections" in ran.stdout, ran.stdout
    assert f"{STREAMS + 50:,} rows in the ledger" in ran.stdout, ran.stdout


def test_a_gateway_takes_all_files_that_it_may_have(stage):
    """More callers than the limit that it was started with, which is not the last word."""
    under = ["prlimit", f"--nofile={SOFT_FILES}:{HARD_FILES}"]
    simulator = stage.start_simulator()
    gateway = stage.start_gateway(simulator.port, "soft-limit", under=under)
    gateway.wait()
    with contextlib.ExitStack() as callers:
        for _ in range(2 * SOFT_FILES):
            caller = callers.enter_context(contextlib.closing(connection_to(gateway)))
            caller.request("GET", "/health")
            assert caller.getresponse().read()
    gateway.stop()


def connection_to(gateway):
    return http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
