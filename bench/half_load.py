"""How long answers take at half of what the slowest target can do, by oha, which asks at a given rate.

wrk asks again as soon as it is answered: its times are those of a machine that is full. Here each
request has its moment, and its time counts from that on, also if the ones before it are late.
"""

import json
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("BUDGETGUARD_CACHE", Path.home() / ".cache" / "budgetguard"))
CONNECTIONS = 32


@dataclass(frozen=True)
class Sample:
    p50_us: float
    p99_us: float
    cpu_ms_per_1000: float
    errors: int


def oha():
    """Where scripts/setup puts it, if it is nowhere else."""
    found = shutil.which("oha") or shutil.which("oha", path=CACHE / "tools" / "bin")
    if not found:
        raise SystemExit("oha is missing; run scripts/setup --bench")
    return found


def measure(target, body, per_second, seconds):
    url = f"http://127.0.0.1:{target.port}/v1/chat/completions"
    command = [oha(), "--no-tui", "--output-format", "json", "-c", str(CONNECTIONS)]
    command += ["-q", str(per_second), "-z", f"{seconds}s", "--latency-correction"]
    command += ["-m", "POST", "-T", "application/json", "-d", body]
    command += ["-H", f"authorization: Bearer {target.key}", url]
    cpu = target.cpu_seconds()
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    cpu = target.cpu_seconds() - cpu
    told = json.loads(run.stdout)
    statuses = told["statusCodeDistribution"]
    answered = sum(statuses.values())
    # Those that are under way at the end are ended by oha itself.
    errors = told["errorDistribution"].items()
    broken = sum(count for error, count in errors if "deadline" not in error)
    if answered == 0:
        raise SystemExit(f"{target.name}: no answers: {told['errorDistribution']}")
    percentiles = told["latencyPercentiles"]
    return Sample(
        p50_us=percentiles["p50"] * 1e6,
        p99_us=percentiles["p99"] * 1e6,
        cpu_ms_per_1000=cpu * 1e6 / answered,
        errors=answered - statuses.get("200", 0) + broken,
    )


def measure_in_turns(targets, body, per_second, rounds, seconds):
    samples = {target.name: [] for target in targets}
    for target in targets:
        measure(target, body, per_second, 1)
    for number in range(rounds):
        turn = number % len(targets)
        for target in targets[turn:] + targets[:turn]:
            samples[target.name].append(measure(target, body, per_second, seconds))
            # What is still written for one is not to slow the next.
            time.sleep(1)
    return samples


def print_table(per_second, samples, yardstick):
    def median(name, field):
        return statistics.median(getattr(sample, field) for sample in samples[name])

    print(f"half load: {per_second:,} requests/s over {CONNECTIONS} connections\n")
    print("| target | p50 us | p99 us | p50 added us | p99 added us | CPU ms/1,000 | errors |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, own in samples.items():
        p50, p99 = median(name, "p50_us"), median(name, "p99_us")
        print(
            f"| {name} | {p50:,.0f} | {p99:,.0f} | {p50 - median(yardstick, 'p50_us'):,.0f}"
            f" | {p99 - median(yardstick, 'p99_us'):,.0f} | {median(name, 'cpu_ms_per_1000'):.1f}"
            f" | {sum(sample.errors for sample in own)} |"
        )
