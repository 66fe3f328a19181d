"""SDKs for Node, run by Node's own test runner against this gateway."""

import os
import subprocess
from pathlib import Path

import pytest

RUN_SECONDS_MAX = 120
FILES = [
    "openai.test.mjs",
    "anthropic.test.mjs",
    "google.test.mjs",
    "endpoints.test.mjs",
    "vercel.test.mjs",
]


@pytest.mark.parametrize("file", FILES)
def test_node_sdk(gateway, rich, poor, file):
    environment = os.environ | {
        "GATEWAY_URL": gateway.url,
        "SIMULATOR_URL": gateway.simulator_url,
        "RICH_KEY": rich.key,
        "POOR_KEY": poor.key,
    }
    run = subprocess.run(
        ["node", "--test", file],
        cwd=Path(__file__).parent / "node",
        env=environment,
        timeout=RUN_SECONDS_MAX,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
