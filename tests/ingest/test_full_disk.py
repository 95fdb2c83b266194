"""A disk that is full: the job fails with its reason, nothing else is lost, room mends it."""

import pytest

from tests.ingest.fill_disk import NOT_RUN, SECOND_PAGES, find_namespaces, run_on_small_disk


@pytest.fixture(scope="module")
def seen():
    """What became of a library on a small disk that was filled for a while."""
    if not find_namespaces():
        pytest.skip(NOT_RUN)
    return run_on_small_disk(timeout_s=300)


def test_the_job_fails_with_its_reason_and_keeps_what_it_has_written(seen):
    failed = seen["failed"]
    assert failed["state"] == "failed"
    assert "no space left on the disk" in failed["error"].lower()
    assert seen["refused"] == [failed["error"]]
    assert 0 < failed["pages_done"] < SECOND_PAGES


def test_other_documents_are_found_meanwhile(seen):
    assert seen["searched"] == ["harbour.pdf, page 1"]


def test_once_there_is_room_the_job_can_be_tried_again(seen):
    assert seen["tried_again"] == {"state": "done", "error": None, "pages_done": SECOND_PAGES}


def test_the_library_opens_again_with_every_page_once(seen):
    assert seen["documents"] == ["generated.pdf", "harbour.pdf"]
    assert seen["indexed"] == seen["counted"] == SECOND_PAGES + 1
    assert seen["found"] == seen["found_once_merged"] == [f"generated.pdf, page {SECOND_PAGES}"]
