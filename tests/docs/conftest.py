"""The documents, and what is told at the end: how many blocks ran, how many are marked, and why."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

# How processes are started and stopped is told once, beside the tests of the SDKs.
_file = Path(__file__).resolve().parents[1] / "sdk" / "conftest.py"
_spec = importlib.util.spec_from_file_location("processes", _file)
processes = importlib.util.module_from_spec(_spec)
sys.modules["processes"] = processes
_spec.loader.exec_module(processes)

ran, marked = [], Counter()


def pytest_terminal_summary(terminalreporter):
    if ran:
        terminalreporter.write_line(f"docs: {sum(ran)} blocks ran, {sum(marked.values())} are marked as not run:")
        for reason, count in marked.most_common():
            terminalreporter.write_line(f"  {count:3} {reason}")
