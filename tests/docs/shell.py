"""Runs the blocks of a document as its reader would: in order, in one shell, in a folder like the
repository's.

Addresses of this machine in a document (`localhost:3000`, `127.0.0.1:5432`) stand for ports that
are free where the tests run. The gateway's is `PORT` in the environment, PostgreSQL is that of
BUDGETGUARD_TEST_POSTGRES, and Redis is started for the document. A database `original` is an
installation of the TypeScript BudgetGuard.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from shape import differences

REPOSITORY = Path(__file__).resolve().parents[2]
GATEWAY, SIMULATOR, POSTGRES, REDIS = "3000", "4000", "5432", "6379"
DOCUMENT_SECONDS_MAX = 60
ORIGINAL = REPOSITORY / "tests/fixtures/original"
DATABASES, ROLE = ["budgetguard", "original"], "budgetguard"

ADDRESS = re.compile(r"(?<![\w.])(localhost|127\.0\.0\.1):(\d{4,5})\b")
# What a reader finds in the repository and may change.
COPIED = ["conf", "policy"]
LINKED = ["scripts", "bench", "docs", "migrations"]

# A failure ends the document, and its status says so.
PROLOGUE = """\
set -euo pipefail
exec </dev/null
trap 'echo "$?" >"$DOCS_STATE/status"' EXIT
"""
STEP = """\
echo {number} >"$DOCS_STATE/block"
exec >"$DOCS_STATE/{number}.out" 2>&1
{text}
"""


class Failed(Exception):
    """A block did not do what the document says."""


class NeedsServer(Exception):
    """A block needs a server that is not there."""


class Ports:
    """Which port stands for which one of the document."""

    def __init__(self, known, free_port):
        self._known, self._free_port = dict(known), free_port

    def of(self, port):
        if port == POSTGRES and POSTGRES not in self._known:
            raise NeedsServer("PostgreSQL: set BUDGETGUARD_TEST_POSTGRES")
        if port not in self._known:
            self._known[port] = str(self._free_port())
        return self._known[port]

    def into_run(self, text):
        return ADDRESS.sub(lambda found: f"127.0.0.1:{self.of(found[2])}", text)

    def into_document(self, text):
        for document, run in self._known.items():
            text = re.sub(rf"(?<!\d){run}(?!\d)", document, text)
        return text


def postgres_port():
    url = os.environ.get("BUDGETGUARD_TEST_POSTGRES")
    return {POSTGRES: str(urlsplit(url).port or POSTGRES)} if url else {}


def postgres(*statements, database=None, files=()):
    """Runs statements, or files, in the server of the tests."""
    url = os.environ["BUDGETGUARD_TEST_POSTGRES"]
    if database:
        url = urlsplit(url)._replace(path=f"/{database}").geturl()
    commands = [part for statement in statements for part in ("-c", statement)]
    commands += [part for file in files for part in ("-f", str(file))]
    quietly = ["psql", "-q", "-v", "ON_ERROR_STOP=1", url]
    subprocess.run([*quietly, *commands], check=True, capture_output=True)


def forget_databases(*names):
    """Removes what was made in the PostgreSQL server, which is there afterwards."""
    postgres(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in names))


def forget_documents():
    """Removes what documents make there."""
    forget_databases(*DATABASES)
    postgres(f"DROP ROLE IF EXISTS {ROLE}")


def install_original():
    """Makes the database that an import reads from."""
    postgres("CREATE DATABASE original")
    postgres(database="original", files=[ORIGINAL / "schema.sql", ORIGINAL / "data.sql"])


def make_folder(folder, program):
    """What the commands find around them."""
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, folder / name)
    for name in LINKED:
        (folder / name).symlink_to(REPOSITORY / name)
    programs = folder / ".bin"
    programs.mkdir()
    (programs / "budgetguard").symlink_to(program)
    # On a terminal curl shows no progress; here it would.
    (folder / ".curlrc").write_text("silent\nshow-error\n")
    modules = REPOSITORY / "tests/sdk/node/node_modules"
    (folder / "node_modules").symlink_to(modules)


def run(document, folder, environment, ports, end_with_parent):
    """Runs the document's blocks; `Failed` names the first that went wrong."""
    state = folder / ".state"
    state.mkdir()
    blocks = document.to_run
    script = PROLOGUE + "".join(
        STEP.format(number=number, text=_as_shell(block, ports, state, number))
        for number, block in enumerate(blocks)
    )
    (state / "script").write_text(script)
    shell = subprocess.Popen(
        ["bash", "--noprofile", "--norc", str(state / "script")],
        cwd=folder,
        env=environment | {"DOCS_STATE": str(state)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    try:
        is_ended = _wait(shell)
    finally:
        _end(shell.pid)
    _check(document, blocks, state, is_ended, ports)


def _as_shell(block, ports, state, number):
    text = ports.into_run(block.text)
    if block.language == "sh":
        return text
    suffix, program = {"python": (".py", "python3"), "javascript": (".mjs", "node")}[block.language]
    # Node looks for modules beside the file, not where it is started.
    file = state.parent / f"block-{number}{suffix}"
    file.write_text(text + "\n")
    return f"{program} {file}"


def _wait(shell):
    try:
        shell.wait(DOCUMENT_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(session):
    """Ends what the document left running: all of it is in the session of its shell."""
    while members := _members(session):
        for pid in members:
            _kill(pid)
        time.sleep(0.02)


def _members(session):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _parent, _group, its_session = (
                    (entry / "stat").read_text().rsplit(")", 1)[1].split()[:4]
                )
            except OSError:
                continue
            if int(its_session) == session and state not in "ZX":
                found.append(int(entry.name))
    return found


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _check(document, blocks, state, is_ended, ports):
    """What went wrong in any block that was begun, all at once."""
    last = int(_read(state / "block") or 0)
    status = (_read(state / "status") or "?").strip()
    failures = []
    for number, block in enumerate(blocks[: last + 1]):
        answer = ports.into_document(_read(state / f"{number}.out") or "")
        line, wrong = block.line, []
        if number == last and not is_ended:
            wrong = [f"not done after {DOCUMENT_SECONDS_MAX} s"]
        elif number == last and status != "0":
            wrong = [f"exit code {status}"]
        elif block.output is not None:
            line, wrong = (
                block.output.line,
                differences(block.output.text, answer, block.output.language),
            )
        if wrong:
            failures.append(
                f"{document.name}:{line}: " + "\n".join(wrong) + f"\n{block.text}\n--\n{answer}\n"
            )
    if failures:
        raise Failed("\n".join(failures))


def _read(path):
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return None
