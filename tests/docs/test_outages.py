"""What docs/TROUBLESHOOT.md says of Redis and of the database when they are away."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import shell
import symptoms
from conftest import processes
from trial import Redis

DOCUMENT = (shell.REPOSITORY / "docs/TROUBLESHOOT.md").read_text()
SPOOL_ENTRIES_MAX = 1_000
# Slices of budgets last two seconds; then the gateway has to come back by itself.
CHANGE_SECONDS_MAX = 15
DATABASE = "troubled"


@pytest.fixture(scope="module")
def patient(tmp_path_factory, simulator):
    server = os.environ.get("BUDGETGUARD_TEST_POSTGRES")
    if not server:
        pytest.skip("PostgreSQL: set BUDGETGUARD_TEST_POSTGRES")
    folder = tmp_path_factory.mktemp("outages")
    shell.forget_databases(DATABASE)
    shell.postgres(f"CREATE DATABASE {DATABASE}")
    port = str(processes.free_port())
    redis = Redis(folder, port)
    gateway = None
    try:
        database = urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
        gateway, patient = symptoms.start(
            folder,
            simulator,
            f"[spool]\nentries_max = {SPOOL_ENTRIES_MAX}\n",
            {
                "DATABASE_URL": database,
                "REDIS_URL": f"redis://127.0.0.1:{port}",
                "KEY_PEPPER": "x" * 32,
            },
        )
        patient.key = patient.tenant("one")[1]
        patient.log, patient.redis, patient.redis_port = gateway.log, redis, port
        yield patient
    finally:
        for process in [patient.redis if gateway else redis, gateway]:
            if process:
                process.process.kill()
                process.process.wait()
        shell.forget_databases(DATABASE)


def comes_to(status, patient):
    deadline = time.monotonic() + CHANGE_SECONDS_MAX
    while True:
        answer = patient.chat(patient.key, max_tokens=1)
        if answer.status == status:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)


def is_quoted(text):
    return re.search(r"\s+".join(map(re.escape, text.split())), DOCUMENT)


def is_quoted_and_logged(text, patient):
    """It is logged before long: callers may be told first."""
    deadline = time.monotonic() + CHANGE_SECONDS_MAX
    while text not in patient.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.2)
    return is_quoted(text) and text in patient.log.read_text()


def metric(patient, line):
    return line in patient.send("GET", "/metrics").text.split("\n")


def test_redis_away(patient):
    comes_to(200, patient)
    patient.redis.process.kill()
    patient.redis.process.wait()
    refused = comes_to(503, patient)
    assert refused.error["code"] == "unavailable"
    assert refused.headers["retry-after"] == "1"
    assert is_quoted_and_logged("Redis cannot be used error=Connection refused", patient)
    assert is_quoted("`budgetguard_engine_available` is 0") and is_quoted('`"redis": false`')
    assert metric(patient, "budgetguard_engine_available 0")
    assert '"redis":false' in patient.send("GET", "/health").text
    patient.redis = Redis(patient.log.parent, patient.redis_port)
    comes_to(200, patient)
    assert is_quoted_and_logged("connected to Redis epoch=", patient)


def test_spool_full(patient):
    stops = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
    shell.postgres(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false", f"{stops}'{DATABASE}'")
    try:
        assert comes_to(200, patient), "callers notice nothing until it is full"
        with ThreadPoolExecutor(16) as pool:
            asked = range(SPOOL_ENTRIES_MAX + 20)
            list(pool.map(lambda _number: patient.chat(patient.key, max_tokens=1), asked))
        refused = comes_to(503, patient)
        assert refused.error["code"] == "unavailable"
        full = f"the spool is full: {SPOOL_ENTRIES_MAX} entries"
        logged = "a request could not be recorded, so it is not sent error=" + full
        assert is_quoted_and_logged(logged, patient)
        waits = "ledger rows wait in the spool error=could not write the ledger: "
        assert is_quoted_and_logged(waits.strip(), patient)
    finally:
        shell.postgres(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")
    comes_to(200, patient)
