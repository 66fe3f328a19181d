"""What has to hold after any fault: of the ledger, of the logs, and of the processes."""

import json
import os
import re
import subprocess
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

from fleet import POLL_SECONDS, PROBE_INPUT, told_at_last
from settled import SETTLED_SECONDS_MAX
from spending import scopes_of
from stage import call

SPOOL_STATES = ("open", "waiting")
VERIFY_SECONDS_MAX = 600
# Pools of connections to stores fill up; a leak has a file for each call or reconnection.
MORE_FILES_MAX = 24
LOG_LINES_AFTER_PANIC = 3


def check_spools(fleet, faults):
    """Everything that the replicas recorded has to reach the ledger before long."""
    empty = [f'budgetguard_spool_entries{{state="{state}"}} 0' for state in SPOOL_STATES]

    def read(port):
        lines = call(port, "GET", "/metrics").decode().splitlines()
        return [line for line in empty if line in lines]

    for gateway in fleet.gateways:
        told = told_at_last(gateway, read, empty, SETTLED_SECONDS_MAX)
        if told != empty:
            faults.append(f"{gateway.name}: the spool is not empty: {told}")


def scopes_of_row(tenant, row):
    team = row["tags"][0]["name"] if row["tags"] else None
    return scopes_of(tenant.key_ids.index(row["apiKeyId"]), team, row["sessionId"])


def check_ledger(tenant, rows, books, is_killed, faults):
    """Each billed call has its row; that of one which a kill interrupted is known by its scopes."""
    charged = {row["upstreamRequestId"]: Fraction(row["usd"]) for row in rows}
    interrupted = Counter(
        scopes_of_row(tenant, row) for row in rows if row["status"] == "interrupted"
    )
    missing = [billed for billed in books if billed.request_id not in charged]
    for billed in books:
        usd = charged.get(billed.request_id, billed.usd)
        if usd != billed.usd:
            faults.append(f"{billed}: the ledger has {float(usd)}")
    if is_killed:
        lost = Counter(billed.scopes for billed in missing) - interrupted
        faults += [f"{count} calls without a row: {scopes}" for scopes, count in lost.items()]
    else:
        faults += [f"{billed}: the ledger has no row" for billed in missing]
        if len(rows) != len(books):
            faults.append(f"{len(rows)} rows in the ledger for {len(books)} calls")


def check_duplicates(rows, faults):
    """A call of the provider, and a request of ours, is in the ledger once."""
    for name in ("upstreamRequestId", "id"):
        counts = Counter(row[name] for row in rows if row[name] is not None)
        twice = [f"{name} {it} has {count} rows" for it, count in counts.items() if count > 1]
        faults += twice[:3]


def check_probe(fleet, probe, faults):
    """What the probe sent has one row each, too."""
    books = json.loads(call(fleet.simulator.port, "GET", "/__simulator/calls"))["calls"]
    calls = sum(record["billed"]["input"] == PROBE_INPUT for record in books)
    rows = told_at_last(fleet.gateways[0], probe.rows, calls, SETTLED_SECONDS_MAX)
    if rows != calls:
        faults.append(f"the probe had {calls} calls, the ledger has {rows}")


def check_logs(programs, faults):
    for program in programs:
        lines = program.log.read_text(errors="replace").splitlines()
        for number, line in enumerate(lines):
            if "panicked" in line:
                said = " / ".join(lines[number : number + LOG_LINES_AFTER_PANIC])
                faults.append(f"{program.name}: {said}")


def check_verify(gateways, binaries, faults):
    for gateway in gateways:
        faults += verify(gateway, binaries)


def verify(gateway, binaries):
    """The ledger as somebody reads it who has only the program, against this gateway's book."""
    command = [binaries / "budgetguard", "ledger", "verify", "--json"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(gateway.folder)} | gateway.environment
    environment |= {"DATA_DIR": str(data_folder(gateway))}
    environment.pop("LD_PRELOAD", None)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=VERIFY_SECONDS_MAX
    )
    if done.returncode == 0:
        return []
    return [f"{gateway.name}: ledger verify: {done.stdout}{done.stderr}"]


def data_folder(gateway):
    """Where a gateway's data is seen from here, also if it has file systems of its own."""
    folder = gateway.environment["DATA_DIR"]
    is_running = gateway.process.poll() is None
    return Path(f"/proc/{gateway.process.pid}/root{folder}" if is_running else folder)


def open_files(program, provider_port):
    """All but connections to the provider, which are kept for the next call."""
    to_provider = sockets_to(provider_port)
    folder, count = Path(f"/proc/{program.process.pid}/fd"), 0
    for file in folder.iterdir():
        try:
            name = os.readlink(file)
        except FileNotFoundError:
            continue
        count += name not in to_provider
    return count


def own_memory_mib(program):
    """Without pages of files, such as those of the program itself."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) / 1024


def sockets_to(port):
    """Names of this machine's sockets that are connected to a port."""
    names = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if int(re.search(r":([0-9A-F]+)$", fields[2])[1], 16) == port:
                names.add(f"socket:[{fields[9]}]")
    return names


def count_files(fleet):
    port = fleet.simulator.port
    return {program.name: open_files(program, port) for program in fleet.programs}


def check_files(fleet, before, faults):
    """Fails if a process has more files open than before, once its callers are gone."""
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    while True:
        counts = count_files(fleet)
        more = {it: counts[it] for it in counts if counts[it] > before[it] + MORE_FILES_MAX}
        if not more or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    faults += [f"{name}: open files became {it} from {before[name]}" for name, it in more.items()]
