"""One document's trial: what its blocks need is started, they run, and all of it is ended."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import blocks
import shell
from conftest import processes

PROVIDER_KEYS = {
    "OPENAI_KEY": "sk-provider-key",
    "ANTHROPIC_API_KEY": "sk-ant-provider-key",
    "GOOGLE_API_KEY": "google-provider-key",
}
# Documents call their databases by the same names.
POSTGRES_TURN = threading.Lock()


def trial(path, folder, simulator):
    """The document, if all is well; else `shell.Failed` is raised, or `shell.NeedsServer`."""
    document = blocks.read(str(path.relative_to(shell.REPOSITORY)), path.read_text())
    if document.to_run:
        _try(document, folder, simulator)
    return document


def uses_postgres(path):
    return f":{shell.POSTGRES}" in path.read_text()


def _try(document, folder, simulator):
    known = shell.postgres_port()
    if not document.starts_its_own_gateway:
        known[shell.SIMULATOR] = simulator
    ports = shell.Ports(known, processes.free_port)
    shell.make_folder(folder, Path(os.environ["BUDGETGUARD_BIN"]).resolve())
    if not document.mentions(f":{shell.POSTGRES}"):
        _run(document, folder, ports)
        return
    ports.of(shell.POSTGRES)
    with POSTGRES_TURN:
        shell.forget_documents()
        if document.mentions("/original"):
            shell.install_original()
        try:
            _run(document, folder, ports)
        finally:
            shell.forget_documents()


def _run(document, folder, ports):
    environment = _surroundings(folder, ports)
    servers = []
    try:
        if not document.starts_its_own_gateway:
            servers.append(processes.Process(folder, ["serve"], environment | PROVIDER_KEYS))
            servers[-1].wait_until_answering(f"http://127.0.0.1:{ports.of(shell.GATEWAY)}/health")
        if document.mentions(f":{shell.REDIS}"):
            servers.append(Redis(folder, ports.of(shell.REDIS)))
        shell.run(document, folder, environment, ports, processes.end_with_parent)
    finally:
        for server in servers:
            # A proper end takes seconds, and nobody asks for what it would write.
            server.process.kill()
            server.process.wait()


def _surroundings(folder, ports):
    """What the reader's shell has set: where the providers are, which are simulated."""
    provider = f"http://127.0.0.1:{ports.of(shell.SIMULATOR)}"
    python = Path(sys.executable).parent
    return {
        "PATH": f"{folder}/.bin:{python}:{os.environ['PATH']}",
        "HOME": str(folder),
        "HOST": "127.0.0.1",
        "PORT": ports.of(shell.GATEWAY),
        "OPENAI_BASE_URL": provider,
        "ANTHROPIC_BASE_URL": provider,
        "GOOGLE_BASE_URL": provider,
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Redis:
    """A server of the document's own, which keeps nothing."""

    def __init__(self, folder, port):
        self.process = subprocess.Popen(
            [
                "redis-server",
                "--port",
                port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=processes.end_with_parent,
        )
