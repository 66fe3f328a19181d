"""What benchmarks and trials are staged with: the processes that take part, and calls to them."""

import contextlib
import ctypes
import dataclasses
import http.client
import json
import os
import pwd
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ADMIN_KEY = "admin-key-of-the-bench"
# Every replica needs the same.
KEY_PEPPER = "pepper-of-the-bench"
# Where budgets are decided: in the one process there is, by Redis each time, or by slices that the
# replicas hold.
MODES = ("local", "redis", "leases")
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15
WAIT_SECONDS_MAX = 30
WAIT_POLL_SECONDS = 0.05
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Target:
    """A process that listens on a port of its own, with the children it forks."""

    def __init__(self, name, folder, port, command, **options):
        self.name, self.folder, self.port, self.key = name, folder, port, "none"
        self.command = command
        self.environment = options.get("environment", {})
        # Fails as long as the process does not serve.
        self.answers = options.get("answers", connect)
        self.stop_signal = options.get("stop_signal", signal.SIGTERM)
        self.log = folder / f"{name}.log"
        self.start()

    def start(self):
        """Also again, after it was stopped. By the main thread: it ends with its starter."""
        self.started = time.perf_counter()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder)} | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
            )

    def wait(self, seconds_max=START_SECONDS_MAX):
        """Seconds from the start until it answers."""
        while True:
            try:
                self.answers(self.port)
                return time.perf_counter() - self.started
            except OSError as error:
                late = time.perf_counter() - self.started > seconds_max
                if late or self.process.poll() is not None:
                    raise SystemExit(f"{self.name}: {error}\n{self.log.read_text()}") from error
                time.sleep(0.001)

    def pids(self):
        """nginx works in children of its master; the others have none."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            # After the command's name, which may hold spaces: utime and stime are fields 14, 15.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS_PER_SECOND

    def rss_mib(self):
        pattern = re.compile(r"VmRSS:\s+(\d+) kB")
        status = (Path(f"/proc/{pid}/status").read_text() for pid in self.pids())
        return sum(int(pattern.search(text)[1]) for text in status) / 1024

    def kill(self):
        """`kill -9`, of its children as well: they could keep its files and its port."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, by=None):
        self.process.send_signal(by or self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_with_parent():
    """Asks the kernel to end the child should this process be killed before it can."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def eventually(check, what, seconds=WAIT_SECONDS_MAX):
    """What `check` gives once it is something."""
    deadline = time.monotonic() + seconds
    while True:
        if found := check():
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(WAIT_POLL_SECONDS)


def connect(port):
    socket.create_connection(("127.0.0.1", port), timeout=1).close()


def answers_get(path):
    return lambda port: call(port, "GET", path)


def redis(port, command):
    """The first line of what Redis answers to a command without spaces in its words."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"{command}\r\n".encode())
        line = connection.makefile().readline().strip()
    if not line.startswith("+"):
        raise OSError(f"redis {command}: {line}")
    return line


def answers_ping(port):
    redis(port, "PING")


def postgres_bin():
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    return max(versions, key=lambda folder: float(folder.parent.name))


def answers_postgres(port):
    command = [postgres_bin() / "pg_isready", "-U", "postgres", "-h", "127.0.0.1"]
    command += ["-p", str(port)]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        raise OSError(answer.stdout)


def call(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        return send(connection, method, path, body, headers)
    finally:
        connection.close()


def send(connection, method, path, body=None, headers=None):
    headers = {"content-type": "application/json"} | (headers or {})
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise OSError(f"{method} {path}: {answer.status} {content.decode()}")
    return content


def admin(port, method, path, body):
    return json.loads(call(port, method, path, json.dumps(body), {"x-admin-key": ADMIN_KEY}))


def free_port():
    """None that an outgoing connection gets: a server that was away finds its own free again."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def build(profile="release"):
    options = ["--release"] if profile == "release" else []
    command = ["cargo", "build", "--workspace", *options]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    return Path(target) / profile


@dataclasses.dataclass
class Stage:
    """What runs for a benchmark or a trial, in a folder of its own; all of it ends with it."""

    folder: Path
    binaries: Path
    running: contextlib.ExitStack

    def run(self, *target, **options):
        target = Target(*target, **options)
        self.running.callback(target.stop)
        return target

    def part(self, name):
        """The same stage, in a folder within its own."""
        folder = self.folder / name
        folder.mkdir()
        return dataclasses.replace(self, folder=folder)

    def start_simulator(self):
        port = free_port()
        command = [self.binaries / "budgetguard", "simulate-provider"]
        command += ["--listen", f"127.0.0.1:{port}"]
        answers = answers_get("/__simulator/calls")
        simulator = self.run("simulator", self.folder, port, command, answers=answers)
        simulator.wait()
        return simulator

    def start_gateway(self, upstream, name="budgetguard", settings=None, under=()):
        """A gateway that keeps its data in a folder by its name, maybe `under` another program."""
        port = free_port()
        environment = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATA_DIR": str(self.folder / f"{name}-data"),
            "ADMIN_API_KEY": ADMIN_KEY,
            "MAX_REQS_PER_MIN": "0",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}",
            "OPENAI_KEY": "sk-provider-key",
            "RUST_LOG": "warn",
        } | (settings or {})
        command = [*under, self.binaries / "budgetguard", "serve"]
        answers = answers_get("/health")
        options = {"environment": environment, "answers": answers}
        return self.run(name, self.folder, port, command, **options)

    def write_config(self, name, text):
        """The environment of a program with these settings, for which there are no variables."""
        path = self.folder / f"{name}.toml"
        path.write_text(text)
        return {"BUDGETGUARD_CONFIG": str(path)}

    def start_worker(self, name, settings, config):
        """A process that writes what gateways put into the queue."""
        port = free_port()
        environment = {"HOST": "127.0.0.1", "PORT": str(port), "RUST_LOG": "warn"} | settings
        environment |= self.write_config(name, config)
        command = [self.binaries / "budgetguard", "worker"]
        options = {"environment": environment, "answers": answers_get("/health")}
        return self.run(name, self.folder, port, command, **options)

    def start_postgres(self):
        """What it committed outlives the process, though not the machine."""
        home, unprivileged = self.folder / "postgres", []
        home.mkdir()
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root. setpriv replaces itself by the command.
            names = {user.pw_name: user for user in pwd.getpwall()}
            user = names.get("postgres", names["nobody"])
            os.chown(home, user.pw_uid, user.pw_gid)
            unprivileged = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"]
            unprivileged += ["--clear-groups", "--pdeathsig=keep"]
        initdb = [postgres_bin() / "initdb", "-D", home / "data", "-U", "postgres", "--no-sync"]
        initdb += ["--auth=trust", "--encoding=UTF8", "--locale=C"]
        made = subprocess.run(unprivileged + initdb, cwd=home, capture_output=True, text=True)
        if made.returncode != 0:
            raise SystemExit(f"initdb: {made.stdout}{made.stderr}")
        port = free_port()
        command = [*unprivileged, postgres_bin() / "postgres", "-D", home / "data", "-k", home]
        command += ["-h", "127.0.0.1", "-p", str(port), "-c", "max_connections=200"]
        command += ["-c", "fsync=off", "-c", "full_page_writes=off"]
        # SIGINT is its "fast shutdown": it does not wait for connections.
        options = {"answers": answers_postgres, "stop_signal": signal.SIGINT}
        postgres = self.run("postgres", self.folder, port, command, **options)
        postgres.wait()
        return postgres

    def start_redis(self, appendonly="no"):
        home, port = self.folder / "redis", free_port()
        home.mkdir()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", home]
        command += ["--daemonize", "no", "--save", "", "--appendonly", appendonly]
        server = self.run("redis", self.folder, port, command, answers=answers_ping)
        server.wait()
        return server

    def start_stores(self, mode, appendonly="no"):
        if mode == "local":
            return Stores({})
        postgres, server = self.start_postgres(), self.start_redis(appendonly)
        settings = {
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{postgres.port}/postgres",
            "REDIS_URL": f"redis://127.0.0.1:{server.port}",
            "REDIS_LEASES": "true" if mode == "leases" else "false",
            "KEY_PEPPER": KEY_PEPPER,
        }
        return Stores(settings, postgres, server)


@dataclasses.dataclass
class Stores:
    """What replicas share, with the settings that tell them so."""

    settings: dict
    postgres: Target | None = None
    redis: Target | None = None


@contextlib.contextmanager
def open_stage(name, binaries):
    # SIGTERM unwinds like Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix=f"budgetguard-{name}.") as folder:
        # PostgreSQL may have to run as another user.
        os.chmod(folder, 0o711)
        with contextlib.ExitStack() as running:
            yield Stage(Path(folder), binaries, running)
