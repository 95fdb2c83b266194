"""One run over good and bad files: the bad are refused with a reason, the good are indexed."""

import re

import pytest

from app.library_status import read_status
from ingest.media_types import MediaType
from ingest.render import count_pages
from retrieval.errors import EncryptedDocument, NoPages
from tests.documents import write_encrypted_pdf, write_pdf_without_pages
from tests.terminal import last_json

# What each file of `write_hostile_files` is refused with.
REASONS = {
    "encrypted.pdf": "encrypted and needs a password",
    "no-pages.pdf": "no pages",
    "huge-page.pdf": "200 x 200 inches",
    "bomb.png": r"60000 x 60000 pixels",
    "cut-off.pdf": "cut off",
    "cut-off.png": "cut off",
    "cut-off.jpg": "cut off",
    "cut-off.tiff": "cut off|damaged",
    "empty.pdf": r"empty \(0 bytes\)",
    "letter.pdf": "not a PDF, a picture or an office file",
    "archive.zip": "not a PDF, a picture or an office file",
    "damaged.pdf": "damaged",
    "damaged.png": "damaged",
    # Its first page is indexed, and the other is not passed over in silence.
    "one-huge-page-of-two.pdf": r"page 2 is left out: 200 x 4 inches",
}


@pytest.fixture(scope="module")
def report(terminal_library):
    return last_json(terminal_library.ended)


def test_the_run_ends_with_exit_code_3(terminal_library):
    assert terminal_library.ended.returncode == 3, terminal_library.ended.stderr


def test_the_report_has_the_fields_of_the_contract(report):
    assert set(report) == {
        *("documents", "pages", "skipped", "failed", "seconds"),
        *("pages_per_second", "files"),
    }
    assert report["seconds"] > 0
    assert all(set(failed) == {"file", "error"} for failed in report["failed"])


def test_exactly_the_bad_files_are_refused(report, terminal_library):
    refused = sorted(failed["file"] for failed in report["failed"])
    assert refused == sorted(str(terminal_library.hostile_files / name) for name in REASONS)


@pytest.mark.parametrize("name", REASONS)
def test_a_bad_file_is_refused_with_its_reason_in_one_line(report, name):
    (error,) = [f["error"] for f in report["failed"] if f["file"].endswith(f"/{name}")]
    assert re.search(REASONS[name], error), error
    assert error.isprintable()
    assert "Traceback" not in error
    assert len(error) < 200


def test_people_read_the_same_on_standard_error(report, terminal_library):
    lines = terminal_library.ended.stderr.splitlines()
    for failed in report["failed"]:
        assert f"refused {failed['file']}: {failed['error']}" in lines


def test_the_good_files_are_indexed(report, terminal_library):
    # The eleven pages of good files, and the page that could be rendered of a PDF of two.
    assert (report["documents"], report["pages"]) == (7, 12)
    assert {document.name for document in terminal_library.status.documents} >= {
        "scan.pdf",
        "dusk.png",
        "bakery.pdf",
        "cards.tiff",
        "really-a-pdf.jpg",
        "one-huge-page-of-two.pdf",
    }


def test_the_same_bytes_under_two_names_are_one_document(report, terminal_library):
    assert report["skipped"] == 1
    names = [document.name for document in terminal_library.status.documents]
    assert sum(name.startswith("harbour") for name in names) == 1


def test_nothing_of_a_refused_file_stays_in_the_library(terminal_library):
    originals = [p.name for p in (terminal_library.folder / "files").rglob("*") if p.is_file()]
    documents = read_status(terminal_library.folder).documents
    assert sorted(originals) == sorted(document.document_id for document in documents)


def test_the_library_remembers_what_was_refused(terminal_library):
    status = terminal_library.status
    assert status.counts.failed == len(REASONS)
    assert {refusal.path.name for refusal in status.refusals} == set(REASONS)


def test_the_reason_does_not_depend_on_the_file_that_was_opened_before(tmp_path):
    with pytest.raises(EncryptedDocument):
        count_pages(write_encrypted_pdf(tmp_path / "encrypted.pdf"), MediaType.PDF)
    with pytest.raises(NoPages):
        count_pages(write_pdf_without_pages(tmp_path / "no-pages.pdf"), MediaType.PDF)
