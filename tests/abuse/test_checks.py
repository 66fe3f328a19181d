"""What the other tests look at finds what it is there to find."""

from types import SimpleNamespace

import pytest
from tap import read_requests
from test_injection import FORGED, assert_log_is_true, assert_metrics_are_true
from http1 import Connection, take_answer

GOOD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
ON_THE_WIRE = {
    "a second length": GOOD.replace(b"Host", b"Content-Length: 0\r\nHost"),
    "a list of lengths": GOOD.replace(b"Length: 2", b"Length: 2, 2"),
    "chunks beside a length": GOOD.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost"),
    "a bare line feed": GOOD.replace(b": x", b": x\nX-Smuggled: x"),
    "a bare carriage return": GOOD.replace(b": x", b": x\rX-Smuggled: x"),
    "a folded line": GOOD.replace(b": x", b": x\r\n X-Smuggled: x"),
    "a blank before a colon": GOOD.replace(b"Host:", b"Host :"),
    "a body that is too long": GOOD + b"X",
    "a body that is too short": GOOD[:-1],
    "two targets": GOOD.replace(b" HTTP", b" /v1/embeddings HTTP"),
}


def test_right_requests_are_read():
    first, second = read_requests(GOOD + GOOD.replace(b"/v1/chat", b"/v1/other"))
    assert (first.target, second.target) == ("/v1/chat/completions", "/v1/other/completions")
    assert first.body == second.body == b"{}"


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_a_wire_with_something_else_on_it_is_noticed(name):
    with pytest.raises(AssertionError):
        read_requests(ON_THE_WIRE[name])


def said(metrics="", log=""):
    return SimpleNamespace(metrics=lambda: metrics, log=lambda: log)


METRICS = "# TYPE budgetguard_reservations_open gauge\nbudgetguard_reservations_open 0\n"
LINE = '{"timestamp":"t","level":"INFO","target":"t","message":"m"}\n'


def test_a_forged_metric_is_noticed():
    assert_metrics_are_true(said(METRICS))
    for text in (f"{METRICS}{FORGED} 1\n", f'{METRICS}x{{a="b\nc"}} 1\n', ""):
        with pytest.raises((AssertionError, ValueError)):
            assert_metrics_are_true(said(text))


def test_a_forged_line_of_the_log_is_noticed():
    assert_log_is_true(said(log=LINE))
    forged = LINE.replace('"m"', '"forged"')
    half = LINE[:-10] + "\n"
    for text in (LINE + forged, LINE + "m\n", LINE + half, LINE.replace("m", "\x1b"), ""):
        with pytest.raises(AssertionError):
            assert_log_is_true(said(log=text))


def test_a_second_answer_is_noticed():
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    connection = object.__new__(Connection)
    connection.read, connection.is_closed = answer + answer, True
    assert [it.status for it in connection.answers()] == [200, 200]
    assert take_answer(answer[:-1], False) == (None, answer[:-1])
