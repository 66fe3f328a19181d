"""Reads the blocks of a Markdown document that a reader would type, and what they answer.

The convention, which docs/README.md tells writers and readers:

* A fenced block of `sh`, `python` or `javascript` is run.
* `<!-- not run: REASON -->` before a block says why it is not.
* A block whose fence says `output` behind its language is what the block before it answers.
* Indented blocks that begin with a command are treated as `sh`.
"""

import re
from dataclasses import dataclass, field

RUNNABLE = {"sh": "sh", "bash": "sh", "shell": "sh", "python": "python", "javascript": "javascript"}

# A line of an indented block that begins with one of these is a command.
COMMANDS = re.compile(
    r"\s*(?:[A-Z_]+=\S* )*(?:\./|\S*/)?"
    r"(?:apt|apt-get|bench/\S+|budgetguard|cargo|cp|createdb|curl|docker|export|fly|git|helm|journalctl|kill|"
    r"kubectl|kustomize|make|nginx|node|npm|opa|openssl|pg_dump|pg_restore|pip|promtool|psql|python3?|redis-cli|"
    r"scripts/\S+|sudo|systemctl)(?:\s|$)"
)

FENCE = re.compile(r"(?P<indent> {0,3})(?P<ticks>`{3,}|~{3,})\s*(?P<info>[^`]*)$")
DIRECTIVE = re.compile(
    r"<!--\s*(?P<name>not run|starts its own gateway)\s*(?::\s*(?P<text>.*?))?\s*-->\s*$"
)


class WrongDocument(Exception):
    """The document does not keep to the convention."""


@dataclass
class Block:
    """Something to run, or the reason why it is not run."""

    line: int
    language: str
    text: str
    reason: str | None = None
    output: "Output | None" = None


@dataclass
class Output:
    line: int
    language: str
    text: str


@dataclass
class Document:
    name: str
    blocks: list[Block] = field(default_factory=list)
    starts_its_own_gateway: bool = False

    @property
    def to_run(self):
        return [block for block in self.blocks if block.reason is None]

    def mentions(self, text):
        """Whether something that is run has this in it."""
        return any(text in block.text for block in self.to_run)

    @property
    def marked(self):
        return [block for block in self.blocks if block.reason is not None]


def read(name, text):
    """The document's blocks in order; `WrongDocument` if one is neither to be run nor marked."""
    document = Document(name)
    reason = None
    for found in _pieces(name, text.split("\n")):
        if found.kind == "directive":
            if found.name == "not run":
                if not found.text:
                    raise WrongDocument(
                        f"{name}:{found.line}: a block that is not run needs a reason"
                    )
                reason = found.text
            else:
                document.starts_its_own_gateway = True
        elif found.kind == "prose":
            if reason is not None:
                raise WrongDocument(f"{name}:{found.line}: `not run` must stand before its block")
        elif found.kind == "block":
            _add(document, found, reason)
            reason = None
    if reason is not None:
        raise WrongDocument(f"{name}: `not run` must stand before its block")
    return document


def _add(document, found, reason):
    words = found.info.split()
    language = words[0].lower() if words else ""
    where = f"{document.name}:{found.line}"
    if "output" in words[1:]:
        if not document.blocks or document.blocks[-1].output is not None:
            raise WrongDocument(f"{where}: an output without a block that it is of")
        document.blocks[-1].output = Output(found.line, language, found.text)
    elif language in RUNNABLE:
        document.blocks.append(Block(found.line, RUNNABLE[language], found.text, reason))
    elif not language:
        raise WrongDocument(f"{where}: a fence must say what it holds (`sh`, `text`, `toml`, ..)")
    elif reason is not None:
        raise WrongDocument(f"{where}: only what could be run is marked as not run")


@dataclass
class _Piece:
    kind: str
    line: int
    text: str = ""
    info: str = ""
    name: str = ""


def _pieces(name, lines):
    """Cuts a document into directives, blocks and prose. Lines are counted from 1."""
    at, is_after_blank = 0, True
    while at < len(lines):
        line = lines[at]
        fence, directive = FENCE.match(line), DIRECTIVE.match(line)
        if fence:
            end = _end_of_fence(lines, at, fence)
            if end is None:
                raise WrongDocument(f"{name}:{at + 1}: a fence that does not end")
            indent = len(fence["indent"])
            body = "\n".join(
                inner[min(indent, len(inner) - len(inner.lstrip())) :]
                for inner in lines[at + 1 : end]
            )
            yield _Piece("block", at + 1, body, fence["info"])
            at = end
        elif directive:
            yield _Piece("directive", at + 1, directive["text"] or "", name=directive["name"])
        elif is_after_blank and line.startswith("    ") and line.strip():
            end = _end_of_indented(lines, at)
            if any(COMMANDS.match(inner) for inner in lines[at:end]):
                yield _Piece("block", at + 1, "\n".join(inner[4:] for inner in lines[at:end]), "sh")
            at = end - 1
        elif line.strip():
            yield _Piece("prose", at + 1)
        is_after_blank = not lines[at].strip()
        at += 1


def _end_of_fence(lines, start, fence):
    closing = re.compile(
        r" {0,3}" + re.escape(fence["ticks"][0]) + "{" + str(len(fence["ticks"])) + r",}\s*$"
    )
    return next((at for at in range(start + 1, len(lines)) if closing.match(lines[at])), None)


def _end_of_indented(lines, start):
    end = start
    for at in range(start, len(lines)):
        if lines[at].startswith("    ") and lines[at].strip():
            end = at + 1
        elif lines[at].strip():
            break
    return end
