"""The gateway on trial: its process if we start it, its keys, and what it says was spent."""

import http.client
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from urllib.parse import urlsplit

from stage import STOP_SECONDS_MAX, end_with_parent, free_port
from templates import Unknown, fill, fill_known, find, read

POLL_SECONDS = 0.05
COMMAND_SECONDS_MAX = 60
LOG_BYTES_SHOWN_MAX = 2_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Failed(Exception):
    """The gateway did not do what a trial needs before it can begin."""


@dataclass
class Key:
    """A key with a budget of its own, and all that was learnt when it was made."""

    budget_usd: Fraction
    values: dict
    headers: dict


class Gateway:
    def __init__(self, stage, configuration, provider):
        self.configuration, self.start_options = configuration, configuration.start
        self.folder, self.process, self.keys = stage.folder, None, 0
        self.log = self.folder / "gateway.log"
        upstream, port = configuration.upstream, free_port()
        values = {"port": port, "folder": self.folder, "binaries": stage.binaries}
        values |= {"provider_port": provider.port}
        values["provider_url"] = fill(upstream.url, values)
        values["base_url"] = fill(self.start_options.base_url, values).rstrip("/")
        self.values, self.address = values, urlsplit(values["base_url"])
        stage.running.callback(self.stop)

    @property
    def is_ours(self):
        return bool(self.start_options.command)

    def start(self):
        """Also again, after it was killed. By the main thread: it ends with its starter."""
        for name, content in self.start_options.files.items():
            (self.folder / name).write_text(fill_known(content, self.values))
        given = self.start_options.environment.items()
        environment = {name: fill(value, self.values) for name, value in given}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [fill(word, self.values) for word in self.start_options.command],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # With all the processes that it starts, it can be ended by its own number.
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def wait(self):
        """Until it is ready."""
        deadline = time.monotonic() + self.start_options.start_seconds
        while True:
            try:
                return self.ask_whether_ready()
            except (OSError, http.client.HTTPException) as error:
                ended = self.process is not None and self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise Failed(f"it is not ready: {error}\n{self.last_of_log()}") from error
                time.sleep(POLL_SECONDS)

    def ask_whether_ready(self):
        connection = self.connection()
        try:
            connection.connect()
            if not self.start_options.ready:
                return
            connection.request("GET", self.address.path + self.start_options.ready)
            status = connection.getresponse().status
            if status != 200:
                raise OSError(f"{self.start_options.ready} answers {status}")
        finally:
            connection.close()

    def kill(self):
        """All of it at once, as `kill -9` does."""
        self.end(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.end(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()

    def end(self, by):
        try:
            os.killpg(self.process.pid, by)
        except ProcessLookupError:
            pass

    def last_of_log(self):
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[-LOG_BYTES_SHOWN_MAX:].decode(errors="replace")

    def connection(self, address=None):
        address = address or self.address
        secure = address.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        seconds = self.configuration.paths.request_seconds
        return kind(address.hostname, address.port, timeout=seconds)

    def path(self, path):
        """Where callers send to, within the base URL."""
        return self.address.path + path

    def new_key(self, budget_usd, name):
        """A key whose holder may spend so much."""
        self.keys += 1
        values = self.values | {"budget_usd": plain(budget_usd)}
        values["name"] = f"conformance {name} {os.getpid()}-{self.keys}"
        for step in self.configuration.key:
            for word, found in self.perform(step, values).items():
                if len(found) != 1:
                    raise Failed(f"{step.take[word]!r} leads to {len(found)} values of `{word}`")
                values[word] = found[0]
        headers = self.configuration.paths.headers.items()
        return Key(budget_usd, values, {head: fill(value, values) for head, value in headers})

    def spent(self, key):
        """What it says was spent with a key, by the name of the reading."""
        told = {}
        for reading in self.configuration.spend:
            amounts = self.perform(reading.step, key.values)["amount"]
            try:
                units = sum((Fraction(str(amount)) for amount in amounts), Fraction(0))
            except ValueError as error:
                raise Failed(f"`{reading.name}` tells no amount: {amounts}") from error
            told[reading.name] = units * reading.usd_per_unit
        return told

    def perform(self, step, values):
        """What a step takes from its answer: all that each path leads to."""
        deadline = time.monotonic() + step.repeat_seconds
        while True:
            try:
                content = self.content_of(step, values)
                document = read(content)
                found = {word: find(document, path) for word, path in step.take.items()}
                if all(found.values()) or step.repeat_seconds == 0:
                    return found
                failure = f"{step.path or step.command[0]} does not tell {list(found)}"
            except (OSError, http.client.HTTPException) as error:
                failure = f"{error}"
            except Unknown as error:
                raise Failed(str(error)) from error
            if time.monotonic() >= deadline:
                raise Failed(failure)
            time.sleep(POLL_SECONDS)

    def content_of(self, step, values):
        if step.command:
            return run([fill(word, values) for word in step.command], self.folder)
        url = fill(step.path, values)
        if url.startswith("/"):
            url = values["base_url"] + url
        address = urlsplit(url)
        if address.hostname not in (*LOOPBACK, self.address.hostname):
            raise Failed(f"{address.hostname} is neither this machine nor the gateway's")
        headers = {"content-type": "application/json"} if step.body else {}
        headers |= {name: fill(value, values) for name, value in step.headers.items()}
        target = address.path + (f"?{address.query}" if address.query else "")
        connection = self.connection(address)
        try:
            connection.request(step.method, target, fill(step.body, values) or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status not in step.statuses:
            shown = content[:500].decode(errors="replace")
            raise OSError(f"{step.method} {address.path}: {answer.status} {shown}")
        return content


def run(command, folder):
    options = {"cwd": folder, "stdin": subprocess.DEVNULL, "capture_output": True}
    try:
        done = subprocess.run(command, **options, timeout=COMMAND_SECONDS_MAX)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]} did not end") from error
    if done.returncode != 0:
        raise OSError(f"{command[0]}: {done.stderr[:500].decode(errors='replace')}")
    return done.stdout


def plain(usd):
    """An amount as a decimal without an exponent."""
    exact = Decimal(usd.numerator) / Decimal(usd.denominator)
    return f"{exact.normalize():f}"
