"""Placeholders in what is asked of a gateway, and paths into what it answers."""

import json
import os
import re
from decimal import Decimal

PLACEHOLDER = re.compile(r"\{(env:[A-Za-z_][A-Za-z0-9_]*|[a-z][a-z0-9_]*)\}")
# Not at a dot within brackets.
BETWEEN_STEPS = re.compile(r"\.(?![^\[\]]*\])")
STEP = re.compile(r"(?P<name>[^\[\]]*)(\[(?P<field>[^=\]]+)=(?P<value>[^\]]*)\])?")


class Unknown(Exception):
    """A placeholder that nothing stands for, or a path that leads nowhere."""


def fill(text, values):
    """The text with its placeholders filled in; one without a value is an error."""

    def value_of(match):
        name = match[1]
        source, name = (os.environ, name[4:]) if name.startswith("env:") else (values, name)
        if name not in source:
            raise Unknown(f"nothing is known to stand for {match[0]}")
        return str(source[name])

    return PLACEHOLDER.sub(value_of, text)


def fill_known(text, values):
    """The same, for files of a gateway's own, in which braces may mean something else."""
    return PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), text)


def read(content):
    """What was answered: JSON with exact decimals, else its text."""
    try:
        return json.loads(content, parse_float=Decimal)
    except ValueError:
        return content.decode(errors="replace").strip()


def find(document, path):
    """All that a path leads to: `data.0.id`, `data.*.usd`, `data[period=total].spent_usd`."""
    found = [document]
    for step in BETWEEN_STEPS.split(path) if path else []:
        parts = STEP.fullmatch(step)
        if parts is None:
            raise Unknown(f"cannot read `{step}` of the path `{path}`")
        if parts["name"]:
            found = [inner for outer in found for inner in members(outer, parts["name"])]
        if parts["field"]:
            found = [inner for outer in found for inner in members(outer, "*")]
            found = [it for it in found if has(it, parts["field"], parts["value"])]
    return found


def members(value, name):
    if isinstance(value, dict):
        return list(value.values()) if name == "*" else [value[name]] if name in value else []
    if isinstance(value, list):
        if name == "*":
            return value
        return [value[int(name)]] if name.isdecimal() and int(name) < len(value) else []
    return []


def has(value, field, expected):
    return isinstance(value, dict) and str(value.get(field)) == expected
