"""Counts what a running program executes, by valgrind's callgrind, and reads what it wrote."""

import os
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

CONTROL_SECONDS_MAX = 120
# How far up callers are asked for what is in no room.
CALLERS_DEPTH_MAX = 200
# What asks for memory, by the names of mimalloc and of the C library (which SQLite calls).
ALLOCATION = re.compile(
    r"(mi_)?(malloc|calloc|zalloc|realloc|rezalloc)(_aligned)?|posix_memalign|aligned_alloc"
)
# Where an allocator calls itself, nobody asks for more.
INSIDE_ALLOCATOR = re.compile(rf"_?mi_.*|_int_\w+|{ALLOCATION.pattern}")
# Callgrind names each depth of a recursion on its own.
DEPTH = re.compile(r"'\d+$")
COST = frozenset("0123456789+-*")


@dataclass
class Profile:
    """What was executed in some time."""

    # The source file that a function is in.
    files: dict = field(default_factory=dict)
    # Instructions by function and by the file of their line: what is inlined has another.
    own: Counter = field(default_factory=Counter)
    # Instructions of calls and all below, by who is called, and by who calls.
    callers: dict = field(default_factory=lambda: defaultdict(Counter))
    # Calls for memory, by who asks for it.
    allocations: Counter = field(default_factory=Counter)

    def by_room(self, room_of):
        """Instructions by room, which `room_of` tells of a file, if it is in one.

        What is in none counts where it is called from, in the same parts as its calls cost there.
        """
        rooms, waiting = Counter(), Counter()
        room_of_function = {function: room_of(file) for function, file in self.files.items()}
        for (function, file), count in self.own.items():
            if room := room_of(file):
                rooms[room] += count
            else:
                waiting[function] += count
        for _ in range(CALLERS_DEPTH_MAX):
            asked = waiting
            waiting = Counter()
            for function, count in asked.items():
                callers = self.callers[function]
                total = callers.total()
                if room := room_of_function[function]:
                    rooms[room] += count
                elif not total:
                    rooms[None] += count
                else:
                    for caller, cost in callers.items():
                        waiting[caller] += count * cost / total
        # What calls itself for ever.
        rooms[None] += waiting.total()
        return rooms


@dataclass(frozen=True)
class Callgrind:
    """How a program is started under callgrind, and told to count; its files are in a folder."""

    folder: Path
    # Where the files of what was taken are left, if anywhere.
    dumps: Path | None

    @property
    def under(self):
        """Words before a program's own. Nothing is counted until it is asked for."""
        if not shutil.which("valgrind"):
            raise SystemExit("valgrind is missing; run scripts/setup --test")
        return (
            "valgrind",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={self.folder}/callgrind.out",
            f"--vgdb-prefix={self.folder}/vgdb",
        )

    def count(self, target):
        """From now on."""
        self._control(target, "instrumentation", "on")

    def forget(self, target):
        """What was counted until now."""
        self._control(target, "zero")

    def take(self, target, name):
        """What was counted since it was taken or forgotten last."""
        self._control(target, "dump")
        [file] = self.folder.glob("callgrind.out.*")
        if self.dumps:
            self.dumps.mkdir(exist_ok=True)
            shutil.copyfile(file, self.dumps / f"callgrind.out.{name.replace(' ', '-')}")
        profile = read_profile(file)
        file.unlink()
        return profile

    def _control(self, target, *request):
        """`callgrind_control` does the same, and says "OK" when nobody was reached."""
        command = ["vgdb", f"--vgdb-prefix={self.folder}/vgdb", f"--pid={target.process.pid}"]
        done = subprocess.run(
            [*command, *request],
            # The names of its pipes hold those of user and host as the program was told them.
            env={"PATH": os.environ["PATH"]} | target.environment,
            capture_output=True,
            text=True,
            timeout=CONTROL_SECONDS_MAX,
        )
        if done.returncode != 0:
            raise SystemExit(f"vgdb {' '.join(request)}: {done.stdout}{done.stderr}")


def read_profile(path):
    """Reads a dump."""
    profile, files, functions = Profile(), {}, {}
    file = function = called = None
    is_of_call = False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line[0] in COST:
                count = int(line.split()[1])
                if is_of_call:
                    profile.callers[called][function] += count
                else:
                    profile.own[function, file] += count
                is_of_call = False
                continue
            key, _, value = line.rstrip("\n").partition("=")
            if key in ("fl", "fi", "fe"):
                file = _named(files, value)
            elif key in ("cfi", "cfl"):
                _named(files, value)
            elif key == "fn":
                function = DEPTH.sub("", _named(functions, value))
                profile.files[function] = file
            elif key == "cfn":
                called = DEPTH.sub("", _named(functions, value))
            elif key == "calls":
                is_of_call = True
                if ALLOCATION.fullmatch(called) and not INSIDE_ALLOCATOR.fullmatch(function):
                    profile.allocations[function] += int(value.split()[0])
    return profile


def _named(names, value):
    """`(7) text` gives a name its number, `(7)` stands for it from then on."""
    number, _, text = value.partition(" ")
    if text:
        names[number] = text
    return names[number]
