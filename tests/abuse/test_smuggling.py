"""Requests that could be read in two ways: whoever reads them otherwise finds a second one in them.

The second request, which is hidden in the first, is another caller's and for another path: it is
never answered and never reaches the provider, and the connection is closed where lengths differ.
"""

import json

import pytest
import stage as staging
from http1 import BODY, PATH, chunk, chunks, head, request

MIB = 1 << 20
HUGE = "9" * 30
NONE, ONE = 0, 1


def hidden(key):
    """A whole request for another path."""
    body = json.dumps({"model": "text-embedding-3-small", "input": "smuggled"}).encode()
    return request(key, body=body, target="/v1/embeddings")


def with_both(*lines):
    """The length and chunks: the length hides a second request behind the last chunk."""

    def make(key, other):
        body = chunks() + hidden(other)
        return head(key, f"Content-Length: {len(body)}", *lines) + body

    return make


def with_chunks(*lines):
    """The length ends in the middle of a chunk that holds a second request."""

    def make(key, other):
        return head(key, "Content-Length: 4", *lines) + chunks(hidden(other))

    return make


def coded(*lines):
    """No length at all; a second request where somebody who does not read chunks expects one."""

    def make(key, other):
        return head(key, *lines) + chunks(BODY) + hidden(other)

    return make


def lengths(*told):
    """Several lengths, or one that is none; a second request after the body."""

    def make(key, other):
        lines = [text.replace("LENGTH", str(len(BODY))) for text in told]
        return head(key, *lines) + BODY + hidden(other)

    return make


AMBIGUOUS = {
    "cl.te": with_both("Transfer-Encoding: chunked"),
    "te.cl": with_chunks("Transfer-Encoding: chunked"),
    "te before cl": lambda key, other: (
        head(key, "Transfer-Encoding: chunked", "Content-Length: 4") + chunks(hidden(other))
    ),
    "te with a blank before the colon": with_both("Transfer-Encoding : chunked"),
    "te with a tab before the colon": with_both("Transfer-Encoding\t: chunked"),
    "xchunked": with_both("Transfer-Encoding: xchunked"),
    "te twice, the second unknown": with_both(
        "Transfer-Encoding: chunked", "Transfer-Encoding: cow"
    ),
    "te twice, the first unknown": with_both(
        "Transfer-Encoding: cow", "Transfer-Encoding: chunked"
    ),
    "te with a tab": with_both("Transfer-Encoding:\tchunked"),
    "te with a vertical tab": with_both("Transfer-Encoding: \x0bchunked"),
    "te folded": with_both("Transfer-Encoding:\r\n chunked"),
    "te folded by a tab": with_both("Transfer-Encoding:\r\n\tchunked"),
    "te behind a fold": with_both("X-Fold: x\r\n Transfer-Encoding: chunked"),
    "te quoted": with_both('Transfer-Encoding: "chunked"'),
    "te in capitals": with_both("TRANSFER-ENCODING: CHUNKED"),
    "te, identity": with_both("Transfer-Encoding: identity"),
    "te, chunked then identity": with_both("Transfer-Encoding: chunked, identity"),
    "te, identity then chunked": with_both("Transfer-Encoding: identity, chunked"),
    "te empty": with_both("Transfer-Encoding:"),
    "te behind a bare line feed": with_both("X-Line: x\nTransfer-Encoding: chunked"),
    "te behind a bare carriage return": with_both("X-Line: x\rTransfer-Encoding: chunked"),
    "te after NUL": with_both(b"Transfer-Encoding: \x00chunked"),
    "no cl, xchunked": coded("Transfer-Encoding: xchunked"),
    "no cl, te blank before the colon": coded("Transfer-Encoding : chunked"),
    "no cl, chunked then identity": coded("Transfer-Encoding: chunked, identity"),
    "no cl, gzip": coded("Transfer-Encoding: gzip"),
    "no cl, te folded": coded("Transfer-Encoding:\r\n chunked"),
    "cl twice, different": lengths("Content-Length: LENGTH", "Content-Length: 0"),
    "cl twice, the first wrong": lengths("Content-Length: 0", "Content-Length: LENGTH"),
    "cl in a list, different": lengths("Content-Length: LENGTH, 0"),
    "cl negative": lengths("Content-Length: -LENGTH"),
    "cl with a plus": lengths("Content-Length: +LENGTH"),
    "cl in hexadecimal": lengths("Content-Length: 0xLENGTH"),
    "cl huge": lengths(f"Content-Length: {HUGE}"),
    "cl of 2 to the 64th": lengths("Content-Length: 18446744073709551616"),
    "cl with an underscore": lengths("Content-Length: LENGTH_0"),
    "cl with a fraction": lengths("Content-Length: LENGTH.0"),
    "cl with an exponent": lengths("Content-Length: 1e2"),
    "cl empty": lengths("Content-Length:"),
    "cl with a blank before the colon": lengths("Content-Length : LENGTH"),
    "cl with a blank in it": lengths("Content-Length: LENGTH 0"),
    "cl with NUL behind it": lengths("Content-Length: LENGTH\x00"),
    "cl folded": lengths("Content-Length:\r\n LENGTH"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_has_two_lengths_is_refused_or_ends_the_connection(watched, caller, victim, name):
    with watched.connect() as connection:
        connection.write(AMBIGUOUS[name](caller.key, victim.key))
        answers = connection.answers()
        assert len(answers) <= 1, f"a second request was found: {answers}"
        assert all(400 <= it.status < 500 for it in answers), answers
        assert connection.is_closed, "the connection goes on, and nobody knows where in it we are"
    watched.assert_reached(NONE)
    watched.assert_serves(caller)


# What says one thing twice, or two of which one counts: the standard lets it be taken (RFC 9112,
# sections 6.1 and 6.3). What lies behind it is not looked at.
ONE_LENGTH = {
    "the same in a list": lengths("Content-Length: LENGTH, LENGTH"),
    "the same in two lines": lengths("Content-Length: LENGTH", "Content-Length: LENGTH"),
    "chunked twice": coded("Transfer-Encoding: chunked, chunked"),
    "chunks and a length that is too short": coded(
        "Transfer-Encoding: chunked", "Content-Length: 4"
    ),
    "chunks and a length that is too long": coded(
        "Transfer-Encoding: chunked", f"Content-Length: {2 * MIB}"
    ),
    "chunks and a length that is none": coded("Transfer-Encoding: chunked", "Content-Length: x"),
}


@pytest.mark.parametrize("name", ONE_LENGTH)
def test_what_has_one_length_is_one_request_or_none(watched, caller, victim, name):
    with watched.connect() as connection:
        connection.write(ONE_LENGTH[name](caller.key, victim.key))
        [answer] = connection.answers()
        assert answer.status in (200, 400), answer
        assert connection.is_closed
    for it in watched.assert_reached(ONE if answer.status == 200 else NONE):
        assert it.body == BODY


def chunked(body, key):
    return head(key, "Transfer-Encoding: chunked") + body


BAD_CHUNKS = {
    "size beyond 64 bits": b"fffffffffffffffff\r\n" + BODY,
    "size of 2 to the 64th": b"10000000000000000\r\n" + BODY,
    "size of all bits": b"ffffffffffffffff\r\n" + BODY,
    "size of the sign bit": b"8000000000000000\r\n" + BODY,
    "size that wraps to the right one": b"1%016x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
    "size with a prefix": b"0x%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
    "size with a plus": b"+%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
    "size negative": b"-%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
    "size empty": b"\r\n" + BODY + b"\r\n0\r\n\r\n",
    "size of words": b"words\r\n" + BODY + b"\r\n0\r\n\r\n",
    "more in a chunk than its size": b"5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "no line after a chunk": b"%x\r\n" % len(BODY) + BODY + b"0\r\n\r\n",
    "extension of a megabyte": b"%x;%b\r\n" % (len(BODY), b"x" * MIB) + BODY + b"\r\n0\r\n\r\n",
    "size with a megabyte of noughts": b"0" * MIB + b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_chunks_that_are_none_are_refused(watched, caller, victim, name):
    with watched.connect() as connection:
        connection.write(chunked(BAD_CHUNKS[name], caller.key) + hidden(victim.key))
        answer = connection.answer()
        assert answer is None or 400 <= answer.status < 500, answer
    watched.assert_reached(NONE)
    watched.assert_serves(caller)


@pytest.mark.parametrize("path", [PATH, "/admin/tenant"])
def test_nothing_is_read_after_chunks_that_are_none(watched, caller, victim, path):
    """What comes is more of the body, as far as the next in front of us knows."""
    with watched.connect() as connection:
        key = f"X-Admin-Key: {staging.ADMIN_KEY}"
        line = "Transfer-Encoding: chunked"
        connection.write(head(caller.key, line, key, target=path) + b"words\r\n")
        answer = connection.answer()
        assert answer is None or answer.status >= 400, answer
        connection.write(hidden(victim.key))
        answers = connection.answers()
        assert answers == [], f"a second request was found: {answers}"
        assert connection.is_closed
    watched.assert_reached(NONE)


LAST = b"0\r\n"
TRAILERS = {
    "a length": b"Content-Length: 4\r\n\r\n",
    "chunks": b"Transfer-Encoding: chunked\r\n\r\n",
    "a key": b"Authorization: Bearer bg_smuggled\r\nX-Api-Key: bg_smuggled\r\n\r\n",
    "a provider's account": b"OpenAI-Organization: smuggled\r\nHost: smuggled\r\n\r\n",
    "a session": b"X-Session-Id: smuggled\r\nX-Tags: smuggled\r\n\r\n",
}


@pytest.mark.parametrize("name", TRAILERS)
def test_trailers_change_nothing(watched, caller, name):
    with watched.connect() as connection:
        connection.write(chunked(chunk(BODY) + LAST + TRAILERS[name], caller.key))
        [answer] = connection.answers()
        assert answer.status in (200, 400), answer
    reached = watched.assert_reached(ONE if answer.status == 200 else NONE)
    assert all(it.body.count(b"hello") == 1 for it in reached)
    assert b"smuggled" not in b"".join(watched.tap.sent())
    watched.assert_serves(caller)


def test_a_chunk_may_have_a_short_extension(watched, caller):
    with watched.connect() as connection:
        body = b"%x;name=value\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
        connection.write(chunked(body, caller.key))
        [answer] = connection.answers()
        assert answer.status == 200
    watched.assert_reached(ONE)


def test_of_requests_in_one_piece_the_first_is_answered_and_no_other(watched):
    """Pipelined: who waits for more answers asks again, on another connection."""
    caller, victim = watched.tenant("first"), watched.tenant("second")
    with watched.connect() as connection:
        asked = (caller.key, victim.key, "bg_nobodys", caller.key)
        connection.write(b"".join(map(request, asked)))
        assert [answer.status for answer in connection.answers()] == [200]
        assert connection.is_closed
    watched.assert_reached(ONE)
    assert (watched.rows(caller, 1), watched.rows(victim)) == (1, 0)


def test_requests_one_after_the_other_are_each_its_own_callers(watched):
    """On one connection, as a proxy in front of us has it."""
    caller, victim = watched.tenant("one"), watched.tenant("other")
    with watched.connect() as connection:
        for key, status in ((caller.key, 200), (victim.key, 200), ("bg_x", 401), (caller.key, 200)):
            connection.write(request(key))
            assert connection.answer().status == status
    watched.assert_reached(3)
    assert (watched.rows(caller, 2), watched.rows(victim, 1)) == (2, 1)
