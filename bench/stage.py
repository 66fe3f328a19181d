"""What benchmarks and trials are staged with: the processes that take part, and calls to them."""

import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ADMIN_KEY = "admin-key-of-the-bench"
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Target:
    """A process that listens on a port of its own, with the children it forks."""

    def __init__(self, name, folder, port, command, environment=None):
        self.name, self.port, self.key = name, port, "none"
        self.log = folder / f"{name}.log"
        self.started = time.perf_counter()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder)} | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
            )

    def wait_for(self, path=None):
        """Seconds from the start until it answers `path`, or accepts a connection."""
        while True:
            try:
                if path is None:
                    socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                else:
                    call(self.port, "GET", path)
                return time.perf_counter() - self.started
            except OSError as error:
                late = time.perf_counter() - self.started > START_SECONDS_MAX
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

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_with_parent():
    """Asks the kernel to end the child should this process be killed before it can."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


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
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def build():
    command = ["cargo", "build", "--release", "--workspace"]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    return Path(target) / "release"


def start_simulator(folder, binaries):
    port = free_port()
    listen = ["--listen", f"127.0.0.1:{port}"]
    command = [binaries / "budgetguard", "simulate-provider", *listen]
    simulator = Target("simulator", folder, port, command)
    simulator.wait_for("/__simulator/calls")
    return simulator


def start_gateway(folder, binaries, upstream):
    port = free_port()
    provider = f"http://127.0.0.1:{upstream}"
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(folder / "data"),
        "ADMIN_API_KEY": ADMIN_KEY,
        "MAX_REQS_PER_MIN": "0",
        "OPENAI_BASE_URL": provider,
        "OPENAI_KEY": "sk-provider-key",
        "RUST_LOG": "warn",
    }
    return Target("budgetguard", folder, port, [binaries / "budgetguard", "serve"], environment)
