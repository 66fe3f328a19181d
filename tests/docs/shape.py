"""Compares what a command answered with what a document says that it answers.

What varies from run to run need not be marked: numbers, instants, UUIDs and hashes match any
other of their kind. `…` stands for any text; on a line of its own, for any lines; as a member's
name and value in JSON, for any further members. A list in JSON is described by its first
elements: those that the document has must be there.
"""

import json
import re

ANY = "…"

# The order counts: an instant has numbers in it.
_KINDS = [
    (
        "INSTANT",
        re.compile(
            r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?)?"
        ),
    ),
    ("UUID", re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")),
    ("HASH", re.compile(r"\b[0-9a-f]{32,}\b")),
    ("NUMBER", re.compile(r"(?<![A-Za-z0-9])\d[\d,_]*(?:\.\d+)?(?![A-Za-z0-9])")),
]


def differences(expected, actual, language):
    """What of `expected` is not so, in words; empty if it is all there."""
    if language == "json":
        try:
            shown, given = json.loads(expected), json.loads(actual)
        except json.JSONDecodeError as error:
            return [f"not JSON: {error}"]
        return list(_json(shown, given, "$"))
    return _text(expected, actual)


def _json(shown, given, path):
    if shown == ANY:
        return
    if isinstance(shown, dict):
        yield from _object(shown, given, path)
    elif isinstance(shown, list):
        yield from _list(shown, given, path)
    elif isinstance(shown, bool) or shown is None or isinstance(given, bool) or given is None:
        if shown is not given:
            yield f"{path}: {shown!r} is {given!r}"
    elif isinstance(shown, str):
        if not isinstance(given, str) or not matches(shown, given):
            yield f"{path}: {shown!r} is {given!r}"
    elif not isinstance(given, (int, float)):
        yield f"{path}: a number is {given!r}"


def _object(shown, given, path):
    if not isinstance(given, dict):
        yield f"{path}: an object is {given!r}"
        return
    for name, value in shown.items():
        if name == ANY:
            continue
        if name not in given:
            yield f"{path}.{name} is missing"
        else:
            yield from _json(value, given[name], f"{path}.{name}")
    if ANY not in shown:
        for name in given.keys() - shown.keys():
            yield f"{path}.{name} is not in the document"


def _list(shown, given, path):
    if not isinstance(given, list):
        yield f"{path}: a list is {given!r}"
        return
    if bool(shown) != bool(given):
        yield f"{path}: {len(shown)} elements are {len(given)}"
    for at, value in enumerate(shown):
        if value == ANY:
            return
        if at >= len(given):
            yield f"{path}[{at}] is missing"
        else:
            yield from _json(value, given[at], f"{path}[{at}]")


def _text(expected, actual):
    given = [line for line in actual.split("\n") if line.strip()]
    at, may_skip = 0, False
    for line in expected.split("\n"):
        if not line.strip():
            continue
        if line.strip() == ANY:
            may_skip = True
            continue
        if may_skip:
            while at < len(given) and not matches(line, given[at]):
                at += 1
        if at >= len(given):
            return [f"not there: {line!r}"]
        if not matches(line, given[at]):
            return [f"{line!r} is {given[at]!r}"]
        at, may_skip = at + 1, False
    return [] if may_skip or at == len(given) else [f"not in the document: {given[at]!r}"]


def matches(shown, given):
    """Whether one text is the other, but for what varies."""
    pattern = ".*".join(re.escape(_plain(part)) for part in shown.split(ANY))
    return re.fullmatch(pattern, _plain(given), re.DOTALL) is not None


def _plain(text):
    """With what varies replaced by what it is, and white space by one blank."""
    for kind, pattern in _KINDS:
        text = pattern.sub(kind, text)
    return re.sub(r"[ \t]+", " ", text).strip(" \t\r") if text.strip() else text
