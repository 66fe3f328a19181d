"""The document of the API: valid, and true of a gateway that is asked at random."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

SEED = "20260131"
EXAMPLES = "8"
# Many times what it takes: machines differ, and so does what else they do.
SECONDS_MAX = 300
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    ]
)


@pytest.fixture(scope="module")
def document(api):
    return api.get("/docs/json")


def test_the_document_follows_the_specification(document):
    validate(document)


def test_both_forms_of_the_document_say_the_same(api, document):
    text = api.text("/docs/yaml")
    assert yaml.safe_load(text) == document


@pytest.mark.parametrize("name", ["OwnLimits", "Receipt"])
def test_what_callers_are_told_of_themselves_is_as_documented(api, document, name):
    path = {"OwnLimits": "/v1/budget", "Receipt": f"/v1/receipts/{api.request}"}[name]
    answer = api.get(path, {"authorization": f"Bearer {api.tenant_key}", "x-session-id": "chat"})
    schema = {
        "$ref": f"#/components/schemas/{name}",
        "components": document["components"],
    }
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer)
    known = document["components"]["schemas"][name]["properties"]
    assert set(answer) == set(known)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/admin/budget-health", "BudgetsHealthBody"),
        ("/admin/usage/breakdown?by=day&by=model", "BreakdownBody"),
        ("/admin/usage/ledger/{request}", "LedgerEntryBody"),
        ("/admin/status", "InstallationStatusBody"),
    ],
)
def test_what_pages_show_of_a_request_is_as_documented(api, document, path, name):
    answer = api.get(path.format(request=api.request), {"x-admin-key": api.admin_key})
    schema = {
        "$ref": f"#/components/schemas/{name}",
        "components": document["components"],
    }
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer)


# Deletions come last, for they leave little to ask about.
@pytest.mark.parametrize("which", ["--exclude-method", "--include-method"])
def test_the_admin_api_keeps_to_the_document(api, which, tmp_path):
    headers = ["-H", f"X-Admin-Key: {api.admin_key}"]
    others = ["--exclude-tag", "AI Proxy", "--exclude-tag", "Caller"]
    run_at_random(api, [*headers, which, "DELETE", *others], tmp_path)


def test_what_callers_ask_keeps_to_the_document(api, tmp_path):
    headers = ["-H", f"Authorization: Bearer {api.tenant_key}"]
    run_at_random(api, [*headers, "--include-tag", "Caller"], tmp_path)


def run_at_random(api, arguments, folder):
    """Asks everything, rightly and wrongly: no answer may be a fault or be undocumented."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *["run", f"{api.url}/docs/json", "--checks", CHECKS],
        *["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES],
        *["--seed", SEED, "--generation-database", "none", "--request-timeout", "10"],
        *["--suppress-health-check", "all", "--warnings", "off", "--no-color"],
        *arguments,
    ]
    ran = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert ran.returncode == 0, ran.stdout
