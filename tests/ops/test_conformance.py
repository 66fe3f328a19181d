"""The trial of any gateway (bench/conformance): ours passes it, and one that it is for does not."""

import json
import os
import subprocess
import sys
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from conftest import REPOSITORY
from provider_bill import usd_per_token

KIT = REPOSITORY / "bench" / "conformance"
HERE = Path(__file__).resolve().parent / "conformance"
TRIAL_SECONDS_MAX = 120


@pytest.fixture
def attempt(binary, tmp_path):
    """Tries a gateway in the short form: what was printed, and the records by scenario."""

    def attempt(configuration, *options):
        file = tmp_path / "figures.json"
        command = [sys.executable, KIT / "run", configuration, "--short", "--json", file]
        names = {"PYTHON": sys.executable, "COUNTS_AFTERWARDS": HERE / "counts_afterwards.py"}
        done = subprocess.run(
            [*command, "--binaries", binary.parent, *options],
            env=os.environ | {name: str(value) for name, value in names.items()},
            capture_output=True,
            text=True,
            timeout=TRIAL_SECONDS_MAX,
        )
        records = json.loads(file.read_text())["scenarios"] if file.exists() else []
        return done, {record["scenario"]: record for record in records}

    return attempt


def verdicts(records):
    return {scenario: record["verdict"] for scenario, record in records.items()}


def test_this_gateway_passes_every_scenario(attempt):
    done, records = attempt(KIT / "budgetguard.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(records) == 7
    assert set(verdicts(records).values()) == {"pass"}
    assert "nothing failed" in done.stdout
    crash = records["crash"]["figures"]
    assert crash["calls"]["broken"] > 0, "the kill came under load"
    assert len(records["accounting"]["figures"]["kinds"]) == 11


def test_a_gateway_that_counts_afterwards_fails(attempt):
    done, records = attempt(HERE / "counts_afterwards.toml")
    assert done.returncode == 1, done.stdout + done.stderr
    ceiling = records["ceiling"]
    assert ceiling["verdict"] == "fail"
    assert "the provider billed" in ceiling["faults"][0]
    figures = ceiling["figures"]
    assert Fraction(figures["billed_usd"]) > Fraction(figures["budget_usd"])
    expected = dict.fromkeys(records, "fail") | {"refusal": "pass"}
    assert verdicts(records) == expected, done.stdout + done.stderr
    assert "crash: `spent` lost answered calls" in done.stderr
    assert "accounting: cached input: `spent` differs from the bill" in done.stderr
    assert "hidden-usage: usage was not asked for" in done.stderr


def test_what_cannot_be_asked_is_no_failure(attempt, tmp_path):
    """Here: of a gateway that does not tell what was spent."""
    text = (HERE / "counts_afterwards.toml").read_text()
    before, _, rest = text.partition("[[spend]]")
    silent = tmp_path / "silent.toml"
    silent.write_text(before + "[refusal]" + rest.partition("[refusal]")[2])
    done, records = attempt(silent, "--only", "accounting", "refusal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(records) == {"accounting": "not supported", "refusal": "pass"}


def test_all_that_is_wrong_with_a_configuration_is_told_at_once(attempt, tmp_path):
    wrong = tmp_path / "wrong.toml"
    text = (KIT / "budgetguard.toml").read_text()
    wrong.write_text(text.replace("ready =", "raedy =").replace('"1.25"', "1.25"))
    done, _ = attempt(wrong, "--check")
    assert done.returncode == 2
    assert "`gateway.raedy` is not known" in done.stderr
    assert "`models.chat.usd_per_million.cached_input` is not" in done.stderr


def test_the_example_is_a_configuration(attempt):
    done, _ = attempt(KIT / "example.toml", "--check")
    assert done.returncode == 0, done.stderr


def test_its_prices_are_those_of_the_price_list():
    models = tomllib.loads((KIT / "budgetguard.toml").read_text())["models"]
    for model in models.values():
        listed = usd_per_token(model["name"])
        for kind, usd in model["usd_per_million"].items():
            assert Fraction(usd) / 1_000_000 == listed[kind], f"{model['name']} {kind}"
