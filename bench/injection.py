"""The faults that a fleet goes through: what each one needs from the start, and what it does."""

import email.utils
import functools
import http.client
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import disk
from fleet import POLL_SECONDS, Fleet, Plan
from recovery import Probe
from stage import call, redis

REPLICAS = 3
LIMIT_USD = Fraction(3)
# Where some replicas go on as if nothing were: so much that they do not use it up meanwhile.
LARGE_LIMIT_USD = Fraction(9, 2)
AWAY_SECONDS = 2
# Longer than slices last (2 s), than Redis may take (1 s), and than a new epoch waits (3 s).
DISTURBED_SECONDS = 6
SLOW_REDIS_SECONDS = 0.05
SLOW_POSTGRES_SECONDS = 0.2
THROTTLED_BYTES_PER_SECOND = 4_096
CLOCKS_SECONDS = (0, 300, -300)
CLOCK_TOLERANCE_SECONDS = 5
CLOCK_JUMP_SECONDS = 3_600
# How long a process may think that the time is what it was: the library looks again each second.
CLOCK_JUMPED_SECONDS_MAX = 10
RELOAD_PAUSE_SECONDS = 0.1
PROVIDER_KEYS = ("sk-provider-key", "sk-another-provider-key")
RELOADS = re.compile(r'^budgetguard_settings_reloads_total\{outcome="(\w+)"\} (\d+)', re.MULTILINE)


class Skipped(Exception):
    """A fault that cannot be made on this machine, and why."""


@dataclass
class Scene:
    """Where a fault happens, and for how long."""

    fleet: Fleet
    probe: Probe
    seconds: float
    # What is wrong with the fault itself: one that does not happen shows nothing.
    faults: list
    # What was made for it before there was load.
    prepared: object


@dataclass(frozen=True)
class Fault:
    # Tells when it was over, by the clock of Target.started.
    inject: Callable
    plan: Callable
    limit_usd: Fraction = LIMIT_USD
    seconds: float = AWAY_SECONDS
    # Made of fleet and probe before there is load.
    prepare: Callable = lambda _fleet, _probe: None
    # What a killed replica had under way is charged at what it held.
    kills_gateway: bool = False


def plain(_stage, **options):
    return Plan([{}] * REPLICAS, **options)


with_lines = functools.partial(plain, has_lines=True)
with_workers = functools.partial(plain, workers=2)


def kill_gateway(scene):
    return killed(scene, scene.fleet.gateways[-1])


def kill_worker(scene):
    return killed(scene, scene.fleet.workers[-1])


def kill_postgres(scene):
    return killed(scene, scene.fleet.stores.postgres)


def kill_redis(scene):
    return killed(scene, scene.fleet.stores.redis)


def killed(scene, target):
    target.kill()
    return back_after(scene.seconds, target)


def restart_redis(scene):
    scene.fleet.stores.redis.stop(signal.SIGTERM)
    return back_after(scene.seconds, scene.fleet.stores.redis)


def flush_redis(scene):
    redis(scene.fleet.stores.redis.port, "FLUSHALL")
    return time.perf_counter()


def stop_postgres(scene):
    # What `pg_ctl stop -m immediate` sends.
    scene.fleet.stores.postgres.stop(signal.SIGQUIT)
    return back_after(scene.seconds, scene.fleet.stores.postgres)


def back_after(seconds, target):
    time.sleep(seconds)
    target.start()
    target.wait()
    return target.started


def disturb(scene, store, toxic, value=0, replicas=range(REPLICAS)):
    """A toxic on the lines of replicas to a store, for a while."""
    lines = scene.fleet.lines
    lines.tell(store, replicas, toxic, value)
    time.sleep(scene.seconds)
    if not lines.tell(store, replicas, "pass"):
        scene.faults.append(f"{toxic} met nothing that goes to {store}")
    return time.perf_counter()


def disturbs(store, toxic, value=0, only=None):
    replicas = range(REPLICAS) if only is None else (only,)
    inject = functools.partial(disturb, store=store, toxic=toxic, value=value, replicas=replicas)
    return Fault(inject, with_lines, LARGE_LIMIT_USD, DISTURBED_SECONDS)


def look_at_clocks(scene):
    for gateway, seconds in zip(scene.fleet.gateways, CLOCKS_SECONDS, strict=True):
        apart = seconds_apart(gateway)
        if abs(apart - seconds) > CLOCK_TOLERANCE_SECONDS:
            scene.faults.append(f"{gateway.name}: libfaketime did not move its clock: {apart}")
    return time.perf_counter()


def seconds_apart(gateway):
    """How far a gateway's clock is from ours."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", "/health")
    told = email.utils.parsedate_to_datetime(connection.getresponse().headers["date"])
    connection.close()
    return told.timestamp() - time.time()


def jump_clocks(scene):
    """One replica's clock jumps forward and back, then those of all."""
    for gateways in (scene.fleet.gateways[-1:], scene.fleet.gateways):
        for seconds in (CLOCK_JUMP_SECONDS, 0):
            for gateway in gateways:
                jump(scene, gateway, seconds)
            time.sleep(scene.seconds)
    return time.perf_counter()


def jump(scene, gateway, seconds):
    file = Path(gateway.environment["FAKETIME_TIMESTAMP_FILE"])
    replace(file, f"{seconds:+}s\n")
    deadline = time.monotonic() + CLOCK_JUMPED_SECONDS_MAX
    while abs(seconds_apart(gateway) - seconds) > CLOCK_TOLERANCE_SECONDS:
        if time.monotonic() > deadline:
            scene.faults.append(f"{gateway.name}: its clock did not jump to {seconds:+} s")
            return
        time.sleep(POLL_SECONDS)


def replace(path, text):
    """At no moment the file is not whole."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def reload_settings(scene):
    """SIGHUP again and again, and each time the provider's key is another."""
    deadline = time.monotonic() + scene.seconds
    file, sent = Path(scene.fleet.gateways[0].environment["OPENAI_KEY_FILE"]), 0
    while time.monotonic() < deadline:
        sent += 1
        replace(file, PROVIDER_KEYS[sent % len(PROVIDER_KEYS)])
        for gateway in scene.fleet.gateways:
            gateway.process.send_signal(signal.SIGHUP)
        time.sleep(RELOAD_PAUSE_SECONDS)
    over_at = time.perf_counter()
    for gateway in scene.fleet.gateways:
        told = dict(RELOADS.findall(call(gateway.port, "GET", "/metrics").decode()))
        # Signals that come while one is handled are one.
        if int(told["failed"]) or int(told["loaded"]) < sent / 2:
            scene.faults.append(f"{gateway.name}: {sent} times SIGHUP led to {told}")
    return over_at


def fill_disk(scene):
    """The last replica's disk is full, so it refuses once the spool needs more room than it has."""
    gateway = scene.fleet.gateways[-1]
    with disk.filled(gateway, scene.probe, scene.prepared, scene.faults):
        time.sleep(scene.seconds)
    return time.perf_counter()


def with_clocks(_stage):
    return Plan([faketime() | {"FAKETIME": f"{seconds:+}s"} for seconds in CLOCKS_SECONDS])


def with_jumping_clocks(stage):
    environments = []
    for number in range(REPLICAS):
        file = stage.folder / f"clock-{number}"
        replace(file, "+0s\n")
        moved = {"FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_CACHE_DURATION": "1"}
        environments.append(faketime() | moved)
    return Plan(environments)


def faketime():
    """The environment that lets a library move a process's clock; timers go on as they are."""
    libraries = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        raise SystemExit("libfaketime is missing; run scripts/setup --bench")
    return {"LD_PRELOAD": str(libraries[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def with_key_file(stage):
    file = stage.folder / "provider-key"
    replace(file, PROVIDER_KEYS[0])
    # A variable that is set to nothing counts as not set.
    return Plan([{"OPENAI_KEY": "", "OPENAI_KEY_FILE": str(file)}] * REPLICAS)


def with_small_disk(stage):
    last = REPLICAS - 1
    wrapper = disk.small_disk(stage.folder / f"replica-{last}-data")
    if wrapper is None:
        raise Skipped("nobody but root can mount a small disk")
    return Plan([{}] * REPLICAS, wrappers={last: wrapper})


FAULTS = {
    "kill": Fault(kill_gateway, plain, kills_gateway=True),
    "worker-kill": Fault(kill_worker, with_workers),
    "redis-kill": Fault(kill_redis, plain),
    "redis-restart": Fault(restart_redis, plain),
    "redis-restart-aof": Fault(restart_redis, functools.partial(plain, appendonly="yes")),
    "redis-flush": Fault(flush_redis, plain),
    "postgres-kill": Fault(kill_postgres, plain),
    "postgres-stop": Fault(stop_postgres, plain),
    "partition-redis": disturbs("redis", "partition"),
    "partition-redis-one": disturbs("redis", "partition", only=REPLICAS - 1),
    "partition-postgres": disturbs("postgres", "partition"),
    "partition-postgres-one": disturbs("postgres", "partition", only=REPLICAS - 1),
    "reset-redis": disturbs("redis", "reset"),
    "reset-postgres": disturbs("postgres", "reset"),
    "slow-redis": disturbs("redis", "delay", SLOW_REDIS_SECONDS),
    "slow-redis-one": disturbs("redis", "delay", SLOW_REDIS_SECONDS, only=REPLICAS - 1),
    "slow-postgres": disturbs("postgres", "delay", SLOW_POSTGRES_SECONDS),
    "stalled-redis": disturbs("redis", "throttle", THROTTLED_BYTES_PER_SECOND),
    "stalled-postgres": disturbs("postgres", "throttle", THROTTLED_BYTES_PER_SECOND),
    "clocks": Fault(look_at_clocks, with_clocks),
    "clock-jump": Fault(jump_clocks, with_jumping_clocks, LARGE_LIMIT_USD, 3),
    "reload": Fault(reload_settings, with_key_file, LARGE_LIMIT_USD, 5),
    "disk-full": Fault(fill_disk, with_small_disk, LARGE_LIMIT_USD, 4, prepare=disk.large_records),
}
# One of these at random in each round.
KILLS = {
    "gateway": FAULTS["kill"],
    "worker": FAULTS["worker-kill"],
    "postgres": FAULTS["postgres-kill"],
    "redis": FAULTS["redis-kill"],
}
