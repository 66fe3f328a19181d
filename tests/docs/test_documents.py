"""Every command of README.md, SECURITY.md and docs/*.md runs, or says why it does not."""

import blocks
import pytest
import shell
from conftest import marked, ran

DOCUMENTS = sorted(
    path
    for path in [
        *shell.REPOSITORY.glob("docs/*.md"),
        *map(shell.REPOSITORY.joinpath, ["README.md", "SECURITY.md"]),
    ]
    if path.exists()
)


def name_of(path):
    return str(path.relative_to(shell.REPOSITORY))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_document(path, trials):
    wrong = None
    try:
        document = trials[path].result()
    except shell.NeedsServer as missing:
        pytest.skip(str(missing))
    except (blocks.WrongDocument, shell.Failed) as failed:
        wrong = str(failed)
    if wrong is not None:
        pytest.fail(wrong, pytrace=False)
    ran.append(len(document.to_run))
    marked.update(block.reason for block in document.marked)
