"""Gateways on the same stores, in front of one simulated provider, and what is in between."""

import socket
import sys
import time
import urllib.parse
from dataclasses import dataclass, field

from stage import REPOSITORY, Stores, Target, free_port

POLL_SECONDS = 0.05
# What the provider bills of a probe's input: less than of any client's.
PROBE_INPUT = 1
# Other workers take over what a dead one had after so long.
WORKER_SETTINGS = "ledger.queue_reclaim_after_ms = 2000\n"
STORES_BY_SETTING = {"DATABASE_URL": "postgres", "REDIS_URL": "redis"}


@dataclass
class Plan:
    """What a fleet consists of."""

    # One replica for each environment.
    environments: list
    # Words in front of the command of a replica, by its number.
    wrappers: dict = field(default_factory=dict)
    # Whether Redis keeps an append-only file.
    appendonly: str = "no"
    # Whether each replica has a line to each store that can be disturbed.
    has_lines: bool = False
    # Processes that write the ledger in place of the gateways.
    workers: int = 0


@dataclass
class Fleet:
    simulator: Target
    gateways: list
    stores: Stores
    workers: list = field(default_factory=list)
    lines: "Lines | None" = None

    @property
    def ports(self):
        return [gateway.port for gateway in self.gateways]

    @property
    def programs(self):
        """All processes of the program under trial."""
        return [*self.gateways, *self.workers]


@dataclass
class Lines:
    """A line from each replica to each store, all in one process."""

    proxy: Target
    # Of each line in order: the store, the replica's number, and the port.
    ends: list

    def tell(self, store, replicas, toxic, value=0):
        """Disturbs the lines of these replicas to a store. How often toxics were met on them."""
        numbers = [
            number
            for number, (name, replica, _port) in enumerate(self.ends)
            if name == store and replica in replicas
        ]
        return sum(self.ask(f"{number} {toxic} {value}\n") for number in numbers)

    def ask(self, words):
        with socket.create_connection(("127.0.0.1", self.proxy.port), timeout=10) as connection:
            connection.sendall(words.encode())
            return int(connection.makefile().readline())

    def settings(self, replica, shared):
        """The settings of a replica that has its own lines."""
        ports = {name: port for name, number, port in self.ends if number == replica}
        return {
            name: with_port(shared[name], ports[store]) for name, store in STORES_BY_SETTING.items()
        }


def with_port(url, port):
    parts = urllib.parse.urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return parts._replace(netloc=f"{user}{parts.hostname}:{port}").geturl()


def start_lines(stage, stores, replicas):
    ends, command = [], [sys.executable, REPOSITORY / "bench" / "toxic.py"]
    for store in (stores.postgres, stores.redis):
        for replica in range(replicas):
            ends.append((store.name, replica, free_port()))
            command += ["--line", f"{ends[-1][2]}:{store.port}"]
    port = free_port()
    proxy = stage.run("toxic", stage.folder, port, [*command, "--control", str(port)])
    proxy.wait()
    return Lines(proxy, ends)


def start_fleet(stage, mode, plan):
    simulator = stage.start_simulator()
    stores = stage.start_stores(mode, plan.appendonly)
    shared = stores.settings | ({"USAGE_QUEUE": "redis"} if plan.workers else {})
    lines = start_lines(stage, stores, len(plan.environments)) if plan.has_lines else None
    gateways = []
    for number, environment in enumerate(plan.environments):
        settings = shared | (lines.settings(number, shared) if lines else {}) | environment
        name = f"replica-{number}"
        wrapper = plan.wrappers.get(number, ())
        gateways.append(stage.start_gateway(simulator.port, name, settings, wrapper))
    workers = [
        stage.start_worker(f"worker-{number}", stores.settings, WORKER_SETTINGS)
        for number in range(plan.workers)
    ]
    fleet = Fleet(simulator, gateways, stores, workers, lines)
    for program in fleet.programs:
        program.wait()
    return fleet


def told_at_last(gateway, read, expected, seconds_max):
    """What a replica tells once it is what is expected, or else when the time is up."""
    deadline = time.monotonic() + seconds_max
    while True:
        try:
            told = read(gateway.port)
        except OSError as error:
            told = str(error)
        if told == expected or time.monotonic() > deadline:
            return told
        time.sleep(POLL_SECONDS)
