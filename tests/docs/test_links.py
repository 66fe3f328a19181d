"""That every link between documents leads to a file, and to a heading of it."""

import re

import pytest
from test_documents import DOCUMENTS, name_of

LINK = re.compile(r"(?<!`)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*$", re.MULTILINE)


def anchors(path):
    """The headings of a document, as GitHub makes addresses of them."""
    titles = HEADING.finditer(FENCED.sub("", path.read_text()))
    plain = (re.sub(r"[^\w\- ]", "", title["title"].lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    lost = []
    for link in LINK.finditer(FENCED.sub("", path.read_text())):
        file, _, anchor = link["target"].partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            lost.append(link["target"])
    assert not lost
