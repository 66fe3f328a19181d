"""A disk that is full: a small file system that one gateway alone has its data on."""

import contextlib
import os
import subprocess
import threading
import time

from aftermath import data_folder
from stage import admin

# Room for a few of the spool's files of 8 MiB each.
DISK_MIB = 40
PIECE_BYTES = 1 << 20
# Calls that count on so many tags, in a session with such names, have large records: they soon fill
# the file of the spool that is written to, whose room is reserved.
TREES, TREE_DEPTH = 2, 32
SESSION_TEXT = "s" * 200
CALLERS = 8
REFUSED_SECONDS_MAX = 150


def small_disk(folder):
    """Runs a gateway with a file system of its own in `folder`, which ends with the process."""
    mount = f"mount -t tmpfs -o size={DISK_MIB}m tmpfs"
    can_mount = ["unshare", "--mount", "sh", "-c", f"{mount} /mnt"]
    if subprocess.run(can_mount, capture_output=True).returncode != 0:
        return None
    folder.mkdir()
    script = f'{mount} "$0" && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, folder]


@contextlib.contextmanager
def filled(gateway, probe, headers, faults):
    """The gateway's disk is full, and it has been needed: the gateway refuses."""
    filler = data_folder(gateway) / "filler"
    try:
        fill(filler)
        statuses = call_until_refused(gateway, probe, headers)
        if 503 not in statuses:
            faults.append(f"{gateway.name} never refused on a full disk, but answered {statuses}")
        yield
    finally:
        filler.unlink(missing_ok=True)


def fill(path):
    with path.open("wb", buffering=0) as file:
        for size in (PIECE_BYTES, os.sysconf("SC_PAGE_SIZE")):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def large_records(fleet, probe):
    """Header fields of calls that have large records."""
    headers = {"x-tags": make_tags(fleet.gateways[0], probe), "x-session-id": SESSION_TEXT}
    return headers | {"x-session-name": SESSION_TEXT, "x-session-path": SESSION_TEXT}


def make_tags(gateway, probe):
    """The lowest tags of some trees that are as high as can be."""
    path, names = f"/admin/tenant/{probe.tenant}/tags", []
    for tree in range(TREES):
        above = {}
        for depth in range(TREE_DEPTH):
            name = f"tag-{tree}-{depth}"
            made = admin(gateway.port, "POST", path, {"name": name} | above)
            above = {"parentId": made["id"]}
        names.append(name)
    return ",".join(names)


def call_until_refused(gateway, probe, headers):
    """All statuses that callers saw until one was refused."""
    statuses, deadline = set(), time.monotonic() + REFUSED_SECONDS_MAX

    def ask():
        while 503 not in statuses and time.monotonic() < deadline:
            statuses.add(probe.ask(gateway.port, headers))

    callers = [threading.Thread(target=ask) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return statuses
