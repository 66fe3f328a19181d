"""That what docs/TROUBLESHOOT.md quotes is what the program answers."""

import re

import pytest
import shell
import symptoms
from shape import matches

DOCUMENT = shell.REPOSITORY / "docs/TROUBLESHOOT.md"
ROW = re.compile(r"\| (?P<status>\d{3}) `(?P<code>[a-z_]+)` \| (?P<message>.*?) \| ")


@pytest.fixture(scope="module")
def quoted():
    """Each row of its tables: status, code and message."""
    rows = [ROW.match(line) for line in DOCUMENT.read_text().split("\n")]
    return [
        (int(row["status"]), row["code"], row["message"].replace("\\`", "`")) for row in rows if row
    ]


@pytest.fixture(scope="module")
def told(tmp_path_factory, simulator):
    server, patient = symptoms.start(tmp_path_factory.mktemp("symptoms"), simulator)
    try:
        yield symptoms.every(patient)
    finally:
        server.process.kill()
        server.process.wait()


def facts(answer):
    """Status, code and message, in whichever dialect."""
    error = answer.error
    code = error.get("code")
    if isinstance(code, int):
        code = error["details"][0]["reason"].lower()
    return answer.status, code or error["details"]["error_code"], error["message"]


def test_every_quoted_answer_is_given(quoted, told):
    given = [facts(answer) for answer in told.values() if answer.status != 200]
    missing = [
        row
        for row in quoted
        if not any(row[:2] == fact[:2] and matches(row[2], fact[2]) for fact in given)
    ]
    assert quoted and not missing


def test_every_answer_is_in_the_document(quoted, told):
    known = {row[:2] for row in quoted}
    others = {
        name
        for name, answer in told.items()
        if answer.status != 200 and facts(answer)[:2] not in known
    }
    assert not others


def test_refusals_by_budget_and_rule_are_not_tried_again(told):
    for name in [
        "project_spend_limit_exceeded",
        "request_exceeds_budget",
        "policy_denied",
        "tags_required",
    ]:
        assert told[name].headers["x-should-retry"] == "false", name
    assert int(told["requests a minute"].headers["retry-after"]) > 0


def test_a_stream_beyond_its_hold_ends_properly(told):
    assert '"finish_reason":"length"' in told["cut off"].text
    assert told["cut off"].text.rstrip().endswith("data: [DONE]")
