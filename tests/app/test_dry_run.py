"""`pagelens ingest --dry-run`: what it would come to, and nothing written."""

import pytest

from app.library import PACE_PAGES
from tests.documents import write_text_pdf
from tests.terminal import last_json, run_pagelens


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    write_text_pdf(folder / "log.pdf", *[f"Day {i} of the log" for i in range(PACE_PAGES)])
    (folder / "notes.pdf").write_text("no PDF")
    return folder


def test_before_the_first_page_time_and_space_are_not_known(files, tmp_path):
    library = tmp_path / "library"
    ended = run_pagelens("ingest", str(files), "--dry-run", "--library", str(library))
    # As when it is done: a file is refused.
    assert ended.returncode == 3
    assert (
        f"Would add 1 document ({PACE_PAGES} pages), time and space are known once" in ended.stdout
    )
    assert "would refuse" in ended.stderr
    assert not library.exists()


def test_afterwards_they_are_those_of_the_last_run(files, tmp_path):
    library = str(tmp_path / "library")
    report = last_json(run_pagelens("ingest", str(files), "--json", "--library", library))
    write_text_pdf(files / "new.pdf", *[f"Night {i} of the log" for i in range(2 * PACE_PAGES)])
    asked = ("ingest", str(files), "--dry-run", "--library", library)
    expected = last_json(run_pagelens(*asked, "--json"))
    assert (expected["documents"], expected["pages"], expected["skipped"]) == (1, 2 * PACE_PAGES, 1)
    assert 0 < expected["seconds"] <= 2 * report["seconds"]
    assert expected["bytes"] > 1_000 * 2 * PACE_PAGES
    assert " s and " in run_pagelens(*asked).stdout
