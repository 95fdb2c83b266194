"""Documents as a shelf: sorted, chosen, tagged, made anew, and how long the next will take."""

import pytest

from app.cataloguing import DocumentOrder, DocumentQuery, TagCount
from app.library import Library
from app.settings import Settings
from ingest.files import original_path
from ingest.jobs import JobState
from retrieval.errors import UnknownDocument, UnreadableFile
from retrieval.index.base import PageFilter
from retrieval.records import Kind
from tests.documents import write_text_pdf
from tests.libraries import copy_library


@pytest.fixture(scope="module")
def shelf(terminal_library, tmp_path_factory):
    """A copy of the library of tests, at work."""
    folder = tmp_path_factory.mktemp("shelf") / "library"
    copy_library(terminal_library.folder, folder)
    with Library(Settings(library=folder)) as library, library.keep_working():
        yield library


def names(library, **query):
    return [document.name for document in library.list_documents(DocumentQuery(**query))]


def test_documents_are_sorted_as_is_asked(shelf):
    everything = shelf.list_documents()
    assert everything == sorted(everything, key=lambda d: d.added_at, reverse=True)
    by_name = names(shelf, sort=DocumentOrder.NAME)
    assert by_name == sorted(by_name, key=str.casefold)
    assert names(shelf, sort=DocumentOrder.NAME, is_descending=True) == by_name[::-1]
    assert names(shelf, sort=DocumentOrder.PAGES)[0] == "cards.tiff"
    sizes = [d.n_bytes for d in shelf.list_documents(DocumentQuery(sort=DocumentOrder.SIZE))]
    assert sizes == sorted(sizes, reverse=True)


def test_documents_are_chosen_by_name_kind_and_tag(shelf):
    assert names(shelf, contains="BAK") == ["bakery.pdf"]
    assert names(shelf, kind=Kind.PHOTO) == ["dusk.png"]
    assert names(shelf, kind=Kind.PHOTO, contains="bakery") == []
    shelf.write_tags(shelf.find_document("bakery.pdf").document_id, ["town", "food"])
    assert names(shelf, tag="food") == ["bakery.pdf"]


def test_tags_are_replaced_in_the_table_and_in_the_index(shelf):
    bakery = shelf.find_document("bakery.pdf").document_id
    scan = shelf.find_document("scan.pdf").document_id
    assert shelf.write_tags(bakery, ["town", "food", "town"]).tags == ("town", "food")
    shelf.write_tags(scan, ["town"])
    assert shelf.list_tags() == [TagCount("town", 2), TagCount("food", 1)]

    def found_by(tag):
        answer = shelf.search("rye bread", 5, page_filter=PageFilter(tags=frozenset([tag])))
        return {hit.document for hit in answer.hits}

    assert found_by("food") == {"bakery.pdf"}
    assert shelf.write_tags(bakery, ["shops"]).tags == ("shops",)
    assert found_by("food") == set()
    assert found_by("shops") == {"bakery.pdf"}
    shelf.write_tags(bakery, [])
    shelf.write_tags(scan, [])
    assert shelf.list_tags() == []


def test_a_document_is_made_anew_with_its_name_and_the_tags_that_it_has_now(shelf):
    before = shelf.find_document("bakery.pdf")
    shelf.write_tags(before.document_id, ["bread"])
    shelf.find_preview(before.document_id, 0).unlink()
    job = shelf.reindex(before.document_id)
    assert (job.document_id, job.state) == (before.document_id, JobState.QUEUED)
    with pytest.raises(UnknownDocument):
        shelf.find_document(before.document_id)
    shelf.jobs.wait([job], lambda name, n_pages: None)
    after = shelf.find_document("bakery.pdf")
    assert (after.document_id, after.tags) == (before.document_id, ("bread",))
    assert shelf.find_preview(after.document_id, 0).is_file()
    only = PageFilter(tags=frozenset(["bread"]))
    assert [hit.document for hit in shelf.search("rye bread", 5, page_filter=only).hits] == [
        "bakery.pdf"
    ]


def test_a_document_whose_original_is_lost_stays_as_it_is(shelf):
    scan = shelf.find_document("scan.pdf")
    original = original_path(shelf.folder, scan.document_id)
    kept = original.rename(original.with_suffix(".away"))
    with pytest.raises(UnreadableFile, match=r"scan\.pdf: the library has lost its original"):
        shelf.reindex(scan.document_id)
    assert shelf.find_document("scan.pdf") == scan
    kept.rename(original)


def test_a_job_says_how_long_it_will_take_once_it_has_a_pace(shelf, tmp_path):
    path = write_text_pdf(tmp_path / "long.pdf", *[f"The tide table, page {n}." for n in range(20)])
    job = shelf.jobs.submit(path)
    assert shelf.jobs.seconds_left(job) is None
    told = []

    def look(name, n_pages):
        now = shelf.jobs.find(job.job_id)
        told.append((now.n_pages - now.pages_done, shelf.jobs.seconds_left(now)))

    shelf.jobs.wait([job], look)
    estimates = [seconds for pages_left, seconds in told if seconds is not None and pages_left]
    assert estimates
    assert all(0 < seconds < 600 for seconds in estimates)
    assert shelf.jobs.seconds_left(shelf.jobs.find(job.job_id)) is None


def test_only_a_job_that_failed_and_has_a_file_can_be_tried_again(shelf, tmp_path):
    path = tmp_path / "letter.pdf"
    path.write_text("no PDF")
    failed = shelf.jobs.submit(path)
    assert shelf.can_retry(failed)
    path.unlink()
    assert not shelf.can_retry(failed)
    done = shelf.jobs.submit(write_text_pdf(tmp_path / "whole.pdf", "A whole page."))
    shelf.jobs.wait([done], lambda name, n_pages: None)
    assert not shelf.can_retry(shelf.jobs.find(done.job_id))
