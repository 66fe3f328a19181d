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
# Calls with so many tags have large records, which fill the file of the spool that is written to.
TAGS = 100
CALLERS = 8
REFUSED_SECONDS_MAX = 60


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
def filled(gateway, probe, faults):
    """The gateway's disk is full, and it has been needed: the gateway refuses."""
    tags = make_tags(gateway, probe)
    filler = data_folder(gateway) / "filler"
    try:
        fill(filler)
        statuses = call_until_refused(gateway, probe, tags)
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


def make_tags(gateway, probe):
    names = [f"tag-{number}" for number in range(TAGS)]
    for name in names:
        admin(gateway.port, "POST", f"/admin/tenant/{probe.tenant}/tags", {"name": name})
    return ",".join(names)


def call_until_refused(gateway, probe, tags):
    """All statuses that callers saw until one was refused."""
    statuses, is_over = set(), threading.Event()
    deadline = time.monotonic() + REFUSED_SECONDS_MAX

    def ask():
        while not is_over.is_set() and time.monotonic() < deadline:
            status = probe.ask(gateway.port, {"x-tags": tags})
            statuses.add(status)
            if status == 503:
                is_over.set()

    callers = [threading.Thread(target=ask) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return statuses
