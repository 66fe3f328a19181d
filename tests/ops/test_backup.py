"""The whole way: a backup beside traffic, a restore into nothing, and the ledger verified."""

import http.client
import json
import os
import subprocess
import threading

import pytest
import stage as staging
from conftest import REPOSITORY, eventually, run

CALLS_BEFORE, CALLERS = 40, 4


class Keeper:
    """A gateway, with what it takes to call it and to back it up."""

    def __init__(self, stage, simulator, folder, name, url):
        self.stage, self.simulator, self.url = stage, simulator, url
        self.data = folder / f"{name}-data"
        part = stage.part(f"backup-{name}-{folder.name}")
        settings = {
            "DATABASE_URL": url or "",
            "CHECKPOINT_KEY": "22" * 32,
            "DATA_DIR": str(self.data),
        }
        self.gateway = part.start_gateway(self.simulator.port, name, settings)
        self.gateway.wait()

    def admin(self, *call):
        return staging.admin(self.gateway.port, *call)

    def environment(self, data=None, url=None):
        url = self.url if url is None else url
        paths = os.environ["PATH"] + f":{staging.postgres_bin()}"
        program = self.stage.binaries / "budgetguard"
        # Nothing of a developer's environment or of a working directory's settings.
        chosen = {"PATH": paths, "BUDGETGUARD": str(program), "DATA_DIR": str(data or self.data)}
        chosen |= {"CHECKPOINT_KEY": "22" * 32, "BUDGETGUARD_CONFIG": os.devnull}
        return chosen | ({"DATABASE_URL": url} if url else {})


@pytest.fixture(params=["postgres", "sqlite"])
def keeper(request, stage, simulator, tmp_path, new_database):
    url = new_database().url if request.param == "postgres" else None
    keeper = Keeper(stage, simulator, tmp_path, request.param, url)
    yield keeper
    keeper.gateway.stop()


def call(port, key):
    body = {
        "model": "gpt-4o-mini",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "hello"}],
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def script(name, folder, environment, cwd):
    command = [REPOSITORY / "scripts" / name, folder]
    return subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=120
    )


def empty_place(keeper, new_database, tmp_path):
    """Where nothing is yet: a database, if it is PostgreSQL, and the name of a data folder."""
    url = new_database().url if keeper.url else ""
    return keeper.environment(tmp_path / "restored", url)


def rows_of(port):
    headers = {"x-admin-key": staging.ADMIN_KEY}
    listed = staging.call(port, "GET", "/admin/usage/ledger?all=true&limit=1", headers=headers)
    return json.loads(listed)["total"]


def test_what_was_backed_up_under_load_is_restored_and_verified(keeper, new_database, tmp_path):
    tenant = keeper.admin("POST", "/admin/tenant", {"name": "kept"})["id"]
    budget = {"period": "monthly", "amountUsd": "5"}
    keeper.admin("POST", f"/admin/tenant/{tenant}/budgets", {"budgets": [budget]})
    key = keeper.admin("POST", f"/admin/tenant/{tenant}/apikeys", {"name": "kept"})["key"]
    port = keeper.gateway.port
    assert {call(port, key) for _ in range(CALLS_BEFORE)} == {200}
    eventually(lambda: rows_of(port) >= CALLS_BEFORE, "rows are written")
    run(
        [keeper.environment()["BUDGETGUARD"], "ledger", "checkpoint"],
        env=keeper.environment(),
        cwd=tmp_path,
    )
    is_over, statuses = threading.Event(), set()

    def load():
        while not is_over.is_set():
            statuses.add(call(port, key))

    callers = [threading.Thread(target=load) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    try:
        made = script("backup", tmp_path / "backup", keeper.environment(), tmp_path)
    finally:
        is_over.set()
        for caller in callers:
            caller.join(60)
    assert made.returncode == 0, made.stdout + made.stderr
    assert statuses == {200}
    about = dict(line.split(" ", 1) for line in made.stdout.splitlines())
    assert int(about["rows"]) >= CALLS_BEFORE // 2

    place = empty_place(keeper, new_database, tmp_path)
    restored = script("restore", tmp_path / "backup", place, tmp_path)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    ledger = run([place["BUDGETGUARD"], "ledger", "export"], env=place, cwd=tmp_path).splitlines()
    costs = [int(json.loads(line)["row"]["cost"]) for line in ledger]
    assert (len(costs), sum(costs)) == (int(about["rows"]), int(about["cost_nanos"]))

    # And it serves: the key opens, and the budget begins where the ledger ends.
    settings = {name: value for name, value in place.items() if name not in ("PATH", "BUDGETGUARD")}
    part = keeper.stage.part(f"restored-{tmp_path.name}")
    gateway = part.start_gateway(keeper.simulator.port, "restored", settings)
    try:
        gateway.wait()
        headers = {"authorization": f"Bearer {key}"}
        seen = json.loads(staging.call(gateway.port, "GET", "/v1/budget", headers=headers))
        [standing] = [budget for budget in seen["data"] if budget["scope"] == "tenant"]
        assert round(float(standing["spent_usd"]) * 1e9) == sum(costs)
        assert call(gateway.port, key) == 200
        rows = lambda: staging.admin(gateway.port, "GET", "/admin/usage/ledger?limit=1", None)[
            "total"
        ]  # noqa: E731
        eventually(lambda: rows() == len(costs) + 1, "the next call is recorded")
    finally:
        gateway.stop()
    run([place["BUDGETGUARD"], "ledger", "verify"], env=place, cwd=tmp_path)

    # Without a database: what was exported, against the book.
    export = tmp_path / "export.jsonl"
    run([place["BUDGETGUARD"], "ledger", "export", "--out", export], env=place, cwd=tmp_path)
    verify = [place["BUDGETGUARD"], "ledger", "verify", "--export", export, "--checkpoints"]
    nowhere = {
        "PATH": place["PATH"],
        "CHECKPOINT_KEY": place["CHECKPOINT_KEY"],
        "DATA_DIR": str(tmp_path / "none"),
    }
    run([*verify, tmp_path / "restored" / "checkpoints.jsonl"], env=nowhere, cwd=tmp_path)

    # What is there is not written over, and what was changed is not taken.
    again = script("restore", tmp_path / "backup", place, tmp_path)
    assert again.returncode == 1 and "already" in again.stderr
    if keeper.url:
        full = place | {"DATA_DIR": str(tmp_path / "another")}
        again = script("restore", tmp_path / "backup", full, tmp_path)
        assert again.returncode == 1 and "not empty" in again.stderr
    (tmp_path / "backup" / "about").write_text("rows 1\n")
    changed = script(
        "restore", tmp_path / "backup", place | {"DATA_DIR": str(tmp_path / "third")}, tmp_path
    )
    assert changed.returncode == 1 and "not what was written" in changed.stderr


def test_the_password_of_a_url_is_read_as_it_is_meant(tmp_path):
    url = "postgres://us%65r:p%40ss%3Aw+rd%25@db.example.org:6543/na%2Fme?sslmode=disable"
    (tmp_path / "url").write_text(url)
    for given in (url, f"file:{tmp_path}/url"):
        show = f'. scripts/database.sh; set_connection "{given}"; printf "%s\\n" '
        show += '"$PGUSER" "$PGPASSWORD" "$PGHOST" "$PGPORT" "$PGDATABASE"'
        shown = run(["bash", "-euc", show], cwd=REPOSITORY, env={"PATH": "/usr/bin:/bin"})
        assert shown.split() == ["user", "p@ss:w+rd%", "db.example.org", "6543", "na/me"]
