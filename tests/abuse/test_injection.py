"""Words of callers in labels and in the log: both can be read, and neither grows by them.

Names of tenants, keys and tags are an administrator's; models, sessions, paths and user agents any
caller's. Each has line breaks, quotes, backslashes, escapes of terminals, or is very long.
"""

import json
import re
import urllib.parse

import pytest
import stage as staging
from conftest import Tenant
from prometheus_client.parser import text_string_to_metric_families
from http1 import BODY, PATH, head, request

FORGED = "budgetguard_forged_total"
INJECTED = f'"}} 1\n{FORGED} 1\n'
LOG_LINE = '{"level":"ERROR","message":"forged"}'
NASTY = {
    "a line of metrics": f"a{INJECTED}",
    "a line of the log": f"a\n{LOG_LINE}\n",
    "a line of the log after a carriage return": f"a\r\n{LOG_LINE}",
    "quotes and backslashes": 'a"b\\"c\\\\"d\\',
    "an escape of terminals": "a\x1b[2J\x1b]0;forged\x07b",
    "a line separator": f"a\u2028{LOG_LINE}\u2029b\u0085c",
    "text that runs backwards": "a\u202eb\u2066c",
    "braces and commas": 'a",b="c"} 2 # {',
}
LONG = "x" * 100_000
RANDOM = 2_000
SERIES_MAX = 1_500


def families(installation):
    """What /metrics tells, as the reference parser reads it."""
    return list(text_string_to_metric_families(installation.metrics()))


def series(installation):
    return [sample for family in families(installation) for sample in family.samples]


def assert_metrics_are_true(installation):
    names = {sample.name for sample in series(installation)}
    assert "budgetguard_reservations_open" in names
    assert FORGED not in names, "a caller wrote a metric"


def assert_log_is_true(installation):
    """Each line is one object, and nobody else's."""
    text = installation.log()
    lines = text.split("\n")[:-1]
    assert lines, "nothing is logged, so nothing is shown"
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError as error:
            raise AssertionError(f"no object: {line[:500]!r}") from error
        assert event.get("message") != "forged", line
        assert {"timestamp", "level", "target"} <= set(event), line[:500]
    assert "\x1b" not in text, "a terminal would obey what is logged"


def body(model="gpt-4o-mini"):
    return BODY.replace(b'"gpt-4o-mini"', json.dumps(model).encode())


def header(value):
    """As bytes: what cannot be in a header at all is left to the gateway to refuse."""
    return value.encode() if isinstance(value, str) else value


def in_header(name, value):
    return lambda key: request(key, f"{name}: ".encode() + header(value))


def in_path(value):
    quoted = urllib.parse.quote(value, safe="")
    return lambda key: request(key, target=f"/v1/{quoted}", method="POST")


PLACES = {
    "model": lambda value: lambda key: request(key, body=body(value)),
    "model of a provider": lambda value: lambda key: request(key, body=body(f"openai/{value}")),
    "path": in_path,
    "query": lambda value: (
        lambda key: request(key, target=f"{PATH}?x={urllib.parse.quote(value)}")
    ),
    "model in a path": lambda value: (
        lambda key: request(
            key, target=f"/v1beta/models/{urllib.parse.quote(value, safe='')}:generateContent"
        )
    ),
    "key": lambda value: lambda key: request(f"bg_{value}"),
    **{
        name: (lambda name: lambda value: in_header(name, value))(name)
        for name in (
            *("User-Agent", "X-Tags", "X-Session-Id", "X-Session-Name", "X-Session-Path"),
            *("X-Request-Id", "traceparent", "tracestate", "X-Forwarded-For", "OpenAI-Beta"),
        )
    },
}


@pytest.mark.parametrize("place", PLACES)
def test_words_of_callers_stay_within_their_place(watched, caller, place):
    for value in [*NASTY.values(), LONG]:
        with watched.connect() as connection:
            connection.write(PLACES[place](value)(caller.key))
            answers = connection.answers()
            # A line break in a header is one: what follows is more of the same request.
            assert len(answers) <= 1, answers
            if answers:
                assert answers[0].status != 500, (value[:100], answers)
                assert "forged" not in json.dumps(answers[0].headers).replace(value, "")
    for it in watched.tap.requests():
        assert b"\r\n" not in it.target.encode(), it
    assert_metrics_are_true(watched)
    assert_log_is_true(watched)
    watched.assert_serves(caller)


def test_an_answer_with_a_callers_words_has_no_more_lines(watched, caller):
    """They are told of what they named: in the body, as JSON."""
    with watched.connect() as connection:
        connection.write(request(caller.key, body=body(f"m\r\nX-Forged: forged\r\n\r\n{LOG_LINE}")))
        [answer] = connection.answers()
    assert answer.status == 404, answer
    assert "x-forged" not in answer.headers
    assert "X-Forged" in json.loads(answer.body)["error"]["message"], answer.body


@pytest.mark.parametrize("name", NASTY)
def test_names_that_administrators_give_are_labels_and_not_more(watched, name):
    """What is refused has no label; what is taken has one, and it is what was given."""
    value = NASTY[name]
    made = named(watched, "/admin/tenant", value)
    if made:
        tenant = watched.furnished(made["id"])
        path = f"/admin/tenant/{tenant.id}"
        named(watched, f"{path}/tags", value)
        key = named(watched, f"{path}/apikeys", value)
        watched.assert_serves(Tenant(tenant.id, key["key"]) if key else tenant)
        watched.rows(tenant, 1)
        labels = {label for sample in series(watched) for label in sample.labels.values()}
        assert value in labels, "the series has another name"
    assert_metrics_are_true(watched)
    assert_log_is_true(watched)


def named(installation, path, name):
    """What is made with that name; nothing if the name is refused."""
    given = json.dumps({"name": name}).encode()
    lines = [f"X-Admin-Key: {staging.ADMIN_KEY}", "Content-Type: application/json"]
    lines.append(f"Content-Length: {len(given)}")
    with installation.connect() as connection:
        connection.write(head("none", *lines, target=path) + given)
        answer = connection.answer()
    assert answer.status in (200, 400), answer
    return json.loads(answer.body) if answer.status == 200 else None


def test_random_models_paths_and_labels_make_no_series(watched, caller):
    """Each would stay for as long as the gateway runs."""
    before = len(series(watched))
    makers = (
        lambda at: request(caller.key, body=body(f"gpt-{at}-random")),
        lambda at: request(caller.key, target=f"/v1/random-{at}"),
        lambda at: request(caller.key, f"User-Agent: random-{at}", f"X-Tags: random-{at}"),
        lambda at: request(f"bg_random{at}"),
        lambda at: request(caller.key, method=f"RANDOM{at}"),
    )
    with watched.connect() as connection:
        for at in range(RANDOM):
            connection.write(makers[at % len(makers)](at))
            answer = connection.answer()
            assert answer and 400 <= answer.status < 500, answer
            if connection.is_closed or "close" in answer.headers.get("connection", ""):
                connection.socket.close()
                connection.__init__(watched.gateway.port)
    watched.assert_reached(0)
    after = series(watched)
    assert len(after) - before < 100, f"{before} series became {len(after)}"
    assert len(after) < SERIES_MAX, len(after)
    told = [sample for sample in after if re.search("random", str(sample.labels), re.IGNORECASE)]
    assert not told, told[:5]
    assert_log_is_true(watched)
