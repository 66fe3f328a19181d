"""Every command of README.md, SECURITY.md and docs/*.md runs, or says why it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import marked, processes, ran

import blocks
import shell

DOCUMENTS = sorted(
    path
    for path in [*shell.REPOSITORY.glob("docs/*.md"), *map(shell.REPOSITORY.joinpath, ["README.md", "SECURITY.md"])]
    if path.exists()
)
PROVIDER_KEYS = {
    "OPENAI_KEY": "sk-provider-key",
    "ANTHROPIC_API_KEY": "sk-ant-provider-key",
    "GOOGLE_API_KEY": "google-provider-key",
}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document(path, tmp_path, simulator):
    document = blocks.read(str(path.relative_to(shell.REPOSITORY)), path.read_text())
    marked.update(block.reason for block in document.marked)
    if not document.to_run:
        return
    program = Path(os.environ["BUDGETGUARD_BIN"]).resolve()
    shell.make_folder(tmp_path, program)
    known = shell.postgres_port()
    if not document.starts_its_own_gateway:
        known[shell.SIMULATOR] = simulator
    ports = shell.Ports(known, processes.free_port)
    environment = surroundings(tmp_path, ports)
    uses_postgres = any(f":{shell.POSTGRES}" in block.text for block in document.to_run)
    servers, failure = [], None
    try:
        if uses_postgres:
            ports.of(shell.POSTGRES)
            shell.forget_databases()
            if any("/original" in block.text for block in document.to_run):
                shell.install_original()
        if not document.starts_its_own_gateway:
            servers.append(start_gateway(tmp_path, environment, ports))
        if any(f":{shell.REDIS}" in block.text for block in document.to_run):
            servers.append(Redis(tmp_path, ports.of(shell.REDIS)))
        shell.run(document, tmp_path, environment, ports, processes.end_with_parent)
    except shell.NeedsServer as missing:
        pytest.skip(str(missing))
    except shell.Failed as failed:
        failure = str(failed)
    finally:
        for server in servers:
            # A proper end takes seconds, and nobody asks for what it would write.
            server.process.kill()
            server.process.wait()
        if uses_postgres and shell.postgres_port():
            shell.forget_databases()
    if failure:
        pytest.fail(failure, pytrace=False)
    ran.append(len(document.to_run))


def surroundings(folder, ports):
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


def start_gateway(folder, environment, ports):
    server = processes.Process(folder, ["serve"], environment | PROVIDER_KEYS)
    server.wait_until_answering(f"http://127.0.0.1:{ports.of(shell.GATEWAY)}/health")
    return server


class Redis:
    """A server of the document's own, which keeps nothing."""

    def __init__(self, folder, port):
        self.process = subprocess.Popen(
            ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=processes.end_with_parent,
        )
