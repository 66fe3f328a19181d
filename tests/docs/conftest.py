"""The documents, and what is told at the end: how many blocks ran, how many are marked, and why."""

import importlib.util
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

# How processes are started and stopped is told once, beside the tests of the SDKs.
_file = Path(__file__).resolve().parents[1] / "sdk" / "conftest.py"
_spec = importlib.util.spec_from_file_location("processes", _file)
processes = importlib.util.module_from_spec(_spec)
sys.modules["processes"] = processes
_spec.loader.exec_module(processes)

ran, marked = [], Counter()
# Documents that run beside one another. They mostly wait.
AT_ONCE = 3


@pytest.fixture(scope="session")
def simulator(tmp_path_factory):
    """Stands in for the providers, as long as a document does not start one itself."""
    port = processes.free_port()
    arguments = ["simulate-provider", "--listen", f"127.0.0.1:{port}"]
    process = processes.Process(tmp_path_factory.mktemp("simulator"), arguments, {})
    try:
        process.wait_until_answering(f"http://127.0.0.1:{port}/__simulator/calls")
        yield str(port)
    finally:
        process.stop()


def pytest_collection_modifyitems(items):
    """Documents run beside the other tests, so they are looked at last."""
    items.sort(key=lambda item: item.function.__name__ == "test_document")


@pytest.fixture(scope="session", autouse=True)
def trials(request, tmp_path_factory, simulator):
    """The documents that were asked for, on their way: the long ones first."""
    from trial import trial, uses_postgres

    tests = [it for it in request.session.items if it.function.__name__ == "test_document"]
    asked = sorted((it.callspec.params["path"] for it in tests), key=uses_postgres, reverse=True)
    folders = {path: tmp_path_factory.mktemp(path.stem) for path in asked}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {path: pool.submit(trial, path, folders[path], simulator) for path in asked}


def pytest_terminal_summary(terminalreporter):
    if ran:
        terminalreporter.write_line(
            f"docs: {sum(ran)} blocks ran, {sum(marked.values())} are marked as not run:"
        )
        for reason, count in marked.most_common():
            terminalreporter.write_line(f"  {count:3} {reason}")
