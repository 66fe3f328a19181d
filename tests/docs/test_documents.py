"""Every command of README.md, SECURITY.md and docs/*.md runs, or says why it does not."""

from concurrent.futures import ThreadPoolExecutor

import blocks
import pytest
import shell
from conftest import marked, ran
from trial import tried

DOCUMENTS = sorted(
    path
    for path in [
        *shell.REPOSITORY.glob("docs/*.md"),
        *map(shell.REPOSITORY.joinpath, ["README.md", "SECURITY.md"]),
    ]
    if path.exists()
)
# They mostly wait.
AT_ONCE = 3


def name_of(path):
    return str(path.relative_to(shell.REPOSITORY))


@pytest.fixture(scope="session")
def trials(request, tmp_path_factory, simulator):
    """The documents that were asked for, beside one another: the long ones first."""
    asked = [
        item.callspec.params["path"]
        for item in request.session.items
        if item.function is test_document
    ]
    asked.sort(key=lambda path: f":{shell.POSTGRES}" not in path.read_text())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        folders = {path: tmp_path_factory.mktemp(path.stem) for path in asked}
        yield {
            path: pool.submit(trial, path, folder, simulator) for path, folder in folders.items()
        }


def trial(path, folder, simulator):
    document = blocks.read(name_of(path), path.read_text())
    if document.to_run:
        tried(document, folder, simulator)
    return document


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
