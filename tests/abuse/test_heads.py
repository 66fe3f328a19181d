"""Heads that are not as they should be, and headers by which a caller would be somebody else."""

import json

import pytest
from conftest import PROVIDER_KEY
from http1 import BODY, PATH, head, request

LENGTH = f"Content-Length: {len(BODY)}"


def with_line(*lines):
    return lambda key: head(key, *lines, LENGTH) + BODY


def first_line(line):
    def make(key):
        whole = head(key, LENGTH) + BODY
        return line + b"\r\n" + whole.partition(b"\r\n")[2]

    return make


REFUSED = {
    "a bare carriage return in a value": with_line(b"X-Value: a\rb"),
    "NUL in a value": with_line(b"X-Value: a\x00b"),
    "a control byte in a value": with_line(b"X-Value: a\x01b"),
    "DEL in a value": with_line(b"X-Value: a\x7fb"),
    "NUL in a name": with_line(b"X-Na\x00me: a"),
    "a control byte in a name": with_line(b"X-Na\x01me: a"),
    "a blank in a name": with_line(b"X Name: a"),
    "a blank before the colon": with_line(b"X-Name : a"),
    "a tab before the colon": with_line(b"X-Name\t: a"),
    "a letter beyond ASCII in a name": with_line("X-N\u00e4me: a".encode()),
    "a name in brackets": with_line(b"(X-Name): a"),
    "no name": with_line(b": a"),
    "no colon": with_line(b"X-Name"),
    "a folded line": with_line(b"X-Name: a\r\n b"),
    "a first header that begins with a blank": lambda key: (
        request(key).replace(b"\r\nHost", b"\r\n Host", 1)
    ),
    "no version": first_line(f"POST {PATH}".encode()),
    "a version before its time": first_line(f"POST {PATH} HTTP/3.0".encode()),
    "a version that is none": first_line(f"POST {PATH} HTTP/1.1.1".encode()),
    "a version in small letters": first_line(f"POST {PATH} http/1.1".encode()),
    "a blank in the target": first_line(b"POST /v1/chat completions HTTP/1.1"),
    "a control byte in the method": first_line(f"PO\x01ST {PATH} HTTP/1.1".encode()),
    "no method": first_line(f" {PATH} HTTP/1.1".encode()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_head_that_is_none_is_refused(watched, caller, name):
    with watched.connect() as connection:
        connection.write(REFUSED[name](caller.key))
        answers = connection.answers()
        assert len(answers) <= 1, answers
        assert all(400 <= it.status <= 505 for it in answers), answers
        assert connection.is_closed
    watched.assert_reached(0)
    watched.assert_serves(caller)


def target(text, *lines, method="POST"):
    return lambda key: head(key, *lines, LENGTH, method=method, target=text) + BODY


ELSEWHERE = {
    "another host, absolute": target(f"http://elsewhere.invalid{PATH}"),
    "another scheme": target(f"gopher://elsewhere.invalid{PATH}"),
    "a user before the host": target(f"http://127.0.0.1@elsewhere.invalid{PATH}"),
    "a host alone": target("elsewhere.invalid:443"),
    "two slashes": target(f"//elsewhere.invalid{PATH}"),
    "a tunnel": target("elsewhere.invalid:443", method="CONNECT"),
    "a tunnel to a path": target(PATH, method="CONNECT"),
    "a backslash": target("\\v1\\chat\\completions"),
    "a way up": target(f"/v1/models/..{PATH.removeprefix('/v1')}"),
    "a way up, escaped": target("/v1/models/%2e%2e/chat/completions"),
    "an escaped slash": target("/v1/chat%2fcompletions"),
    "an escaped NUL": target(f"{PATH}%00"),
    "NUL": target(f"{PATH}\x00"),
    "a tab": target(f"{PATH}\t"),
    "an escaped line": target(f"{PATH}%0d%0aX-Injected:%20smuggled"),
    "a semicolon": target(f"{PATH};x=y"),
    "everything": target("*", method="OPTIONS"),
    "trace": target(PATH, method="TRACE"),
    "a method of its own": target(PATH, method="SMUGGLE"),
    "a method in small letters": target(PATH, method="post"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_nobody_gets_elsewhere_by_a_target(watched, caller, name):
    """Either it is a call like any other, to our provider's own path, or it is refused."""
    with watched.connect() as connection:
        connection.write(ELSEWHERE[name](caller.key))
        answers = connection.answers()
        assert len(answers) == 1 or connection.is_closed, answers
        [answer] = answers or [None]
    reached = watched.assert_reached(1 if answer and answer.status == 200 else 0)
    assert not answer or answer.status == 200 or 400 <= answer.status <= 505, answer
    assert all(it.values("host") == [f"127.0.0.1:{watched.tap.port}"] for it in reached)
    assert b"smuggled" not in b"".join(watched.tap.sent())
    watched.assert_serves(caller)


HOSTS = {
    "another": [b"Host: elsewhere.invalid"],
    "two": [b"Host: elsewhere.invalid", b"Host: gateway"],
    "none": [],
    "with a path": [b"Host: gateway/v1/embeddings"],
    "with a user": [b"Host: gateway@elsewhere.invalid"],
    "with nothing": [b"Host:"],
    "with a port that is none": [b"Host: gateway:99999999"],
    "beside it": [b"Host: gateway", b"X-Forwarded-Host: elsewhere.invalid"],
    "over it": [b"Host: gateway", b"X-Original-URL: /admin/tenant", b"X-Rewrite-URL: /v1/files"],
}


@pytest.mark.parametrize("name", HOSTS)
def test_the_provider_is_told_its_own_host(watched, caller, name):
    with watched.connect() as connection:
        lines = HOSTS[name]
        whole = head(caller.key, *lines, LENGTH).replace(b"Host: gateway\r\n", b"", 1) + BODY
        connection.write(whole)
        answers = connection.answers()
    statuses = [it.status for it in answers]
    assert statuses in ([200], [400], []), answers
    for it in watched.assert_reached(statuses.count(200)):
        assert it.values("host") == [f"127.0.0.1:{watched.tap.port}"]


HOP_BY_HOP = [
    "Connection: authorization",
    "Connection: close, x-api-key, authorization, content-length",
    "Connection: host",
    "Connection: x-kept, keep-alive",
    "Keep-Alive: timeout=1000",
    "Proxy-Connection: keep-alive",
    "Proxy-Authorization: Basic c211Z2dsZWQ6",
    "TE: trailers, smuggled",
    "Trailer: X-Smuggled",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    "\r\nSec-WebSocket-Key: c211Z2dsZWRzbXVnZ2xlZA==",
]
CONNECTION_ONLY = (
    *("connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer"),
    *("upgrade", "http2-settings", "transfer-encoding"),
)


@pytest.mark.parametrize("line", HOP_BY_HOP)
def test_what_is_meant_for_one_connection_goes_no_further(watched, caller, line):
    """And it takes nothing away that the provider needs."""
    with watched.connect() as connection:
        connection.write(request(caller.key, "X-Kept: 1", line))
        answers = connection.answers()
        statuses = [it.status for it in answers]
        assert statuses in ([200], [400], [426]), answers
    for it in watched.assert_reached(statuses.count(200)):
        kept = [name for name, _value in it.headers if name in CONNECTION_ONLY]
        assert kept == [], it.headers
        assert it.values("authorization") == [f"Bearer {PROVIDER_KEY}"]
        assert it.body == BODY


OURS = [
    "X-Budgetguard-Request-Id: smuggled",
    "X-Budgetguard-Tenant: smuggled",
    "x-budgetguard-held-usd: smuggled",
    "X-Session-Id: smuggled",
    "X-Session-Name: smuggled",
    "X-Tenant-Id: smuggled",
    "X-Admin-Key: smuggled",
    "X-Forwarded-Authorization: smuggled",
    "Cookie: session=smuggled",
    "Api-Key: smuggled",
    "X-Goog-Api-Key: smuggled",
    "X-OpenAI-Key: smuggled",
    "OpenAI-Organization: smuggled",
    "OpenAI-Project: smuggled",
    "X-HTTP-Method-Override: smuggled",
    "Connection: close, x-smuggled\r\nX-Smuggled: smuggled",
    "Accept-Encoding: smuggled",
]


@pytest.mark.parametrize("line", OURS)
def test_what_is_for_the_gateway_or_shows_an_account_does_not_reach_the_provider(
    watched, caller, line
):
    with watched.connect() as connection:
        connection.write(request(caller.key, line))
        [answer] = connection.answers()
        assert answer.status == 200, answer
    [reached] = watched.assert_reached(1)
    shown = [value for _name, value in reached.headers if "smuggled" in value.lower()]
    assert shown == [], reached.headers


def test_a_caller_does_not_choose_what_it_is_told_of_its_request(watched, caller):
    with watched.connect() as connection:
        connection.write(request(caller.key, "X-Budgetguard-Request-Id: smuggled"))
        [answer] = connection.answers()
    assert "smuggled" not in json.dumps(answer.headers)


def test_nobody_is_an_administrator_by_an_address(watched, caller):
    lines = ["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"]
    for more in ([], lines, ["X-Original-URL: /health"], ["X-Admin-Key: "], ["X-Admin-Key: x"]):
        with watched.connect() as connection:
            connection.write(head(caller.key, *more, method="GET", target="/admin/tenant"))
            answer = connection.answer()
            assert answer.status == 401, (more, answer)
    watched.assert_reached(0)


def test_a_body_is_asked_for_once_where_a_caller_waits_for_that(watched, caller):
    with watched.connect() as connection:
        connection.write(head(caller.key, LENGTH, "Expect: 100-continue"))
        assert connection.more(5) and connection.read.startswith(b"HTTP/1.1 100"), connection.read
        connection.write(BODY)
        [answer] = connection.answers()
        assert answer.status == 200
    [reached] = watched.assert_reached(1)
    assert reached.values("expect") == []


def test_nobody_who_is_refused_is_asked_for_a_body(watched):
    with watched.connect() as connection:
        connection.write(head("bg_nobodys", LENGTH, "Expect: 100-continue"))
        connection.more(5)
        assert connection.read.startswith(b"HTTP/1.1 401"), connection.read
    watched.assert_reached(0)


def test_an_expectation_that_nobody_knows_is_not_passed_on(watched, caller):
    with watched.connect() as connection:
        connection.write(request(caller.key, "Expect: smuggled"))
        [answer] = connection.answers()
    for it in watched.assert_reached(1 if answer.status == 200 else 0):
        assert it.values("expect") == []
