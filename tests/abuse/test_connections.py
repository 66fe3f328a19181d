"""The short form of bench/connections: many idle connections, and many open streams."""

import subprocess
import sys

from conftest import REPOSITORY

CONNECTIONS, STREAMS, STREAM_SECONDS = 2_000, 500, 6
SECONDS_MAX = 120


def test_many_connections_and_streams_are_kept_served_and_charged_once(stage):
    command = [sys.executable, REPOSITORY / "bench" / "connections"]
    command += ["--connections", str(CONNECTIONS), "--streams", str(STREAMS)]
    command += ["--seconds", str(STREAM_SECONDS)]
    command += ["--binaries", stage.binaries]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{CONNECTIONS:,} idle connections" in ran.stdout, ran.stdout
    assert f"{STREAMS + 50:,} rows in the ledger" in ran.stdout, ran.stdout
