"""That what breaks the convention is found: a checker that finds nothing proves nothing."""

import pytest
from blocks import WrongDocument, read
from shape import differences


def names_of(document):
    return [(block.language, block.reason) for block in document.blocks]


def test_fenced_and_indented_commands_are_found():
    text = "Text\n\n```sh\ncurl x\n```\n\n    budgetguard seed\n\n    nothing\n\n```toml\na\n```\n"
    document = read("x.md", text)
    assert names_of(document) == [("sh", None), ("sh", None)]


def test_a_marked_block_is_not_run_and_has_its_reason():
    document = read("x.md", "<!-- not run: needs Docker -->\n```sh\ndocker compose up\n```\n")
    assert names_of(document) == [("sh", "needs Docker")]


@pytest.mark.parametrize(
    "text",
    [
        "```\ncurl x\n```\n",
        "<!-- not run -->\n```sh\ncurl x\n```\n",
        "<!-- not run: because -->\n\nText\n\n```sh\ncurl x\n```\n",
        "<!-- not run: because -->\n```toml\na = 1\n```\n",
        "```json output\n{}\n```\n",
        "```sh\ncurl x\n",
    ],
    ids=[
        "no language",
        "no reason",
        "prose between",
        "nothing to run",
        "output of nothing",
        "no end",
    ],
)
def test_a_document_that_breaks_the_convention_is_refused(text):
    with pytest.raises(WrongDocument):
        read("x.md", text)


@pytest.mark.parametrize(
    ("shown", "given", "language"),
    [
        (
            '{"id": 1, "at": "2026-11-30T10:00:00Z"}',
            '{"id": 7, "at": "2027-01-02T11:12:13.5Z"}',
            "json",
        ),
        ('[{"id": 1, "…": "…"}]', '[{"id": 2, "name": "a"}, {"id": 3}]', "json"),
        ("a  12 rows\n…\nend", "a 7 rows\nmore\nmore\nend", "text"),
        ("key: bg_…", "key: bg_0123456789abcdef", "text"),
    ],
)
def test_what_varies_may_vary(shown, given, language):
    assert differences(shown, given, language) == []


@pytest.mark.parametrize(
    ("shown", "given", "language"),
    [
        ('{"id": 1}', '{"id": 1, "name": "a"}', "json"),
        ('{"id": 1, "name": "a"}', '{"id": 1}', "json"),
        ('{"name": "a"}', '{"name": "b"}', "json"),
        ('{"ok": true}', '{"ok": false}', "json"),
        ('{"id": 1}', '{"id": "1"}', "json"),
        ('[{"id": 1}]', "[]", "json"),
        ("a 1\nb", "a 2", "text"),
        ("a", "a\nb", "text"),
        ("a\n…\nc", "a\nb", "text"),
        ("spent 1", "held 1", "text"),
    ],
)
def test_another_shape_is_found(shown, given, language):
    assert differences(shown, given, language) != []
