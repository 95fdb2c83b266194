"""Which files of a watched folder are taken, and when; times are those that the test gives."""

import os
import resource
import time

import pytest

from ingest.progress import FileReport
from ingest.sources import DATABASE
from ingest.watch import LONGEST_STILL_S, RESCAN_S, STILL_S, FolderWatch
from retrieval.errors import PathNotFound, WatchFailed


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(folder, tmp_path):
    return FolderWatch([folder], tmp_path / "library")


def write(path, text="a letter"):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def test_a_file_is_told_once_when_it_has_been_still(watch, folder):
    letter = write(folder / "letter.pdf")
    assert watch.look(0) == []
    assert watch.look(STILL_S - 0.1) == []
    assert watch.look(STILL_S) == [letter]
    assert watch.look(1000) == []


def test_a_file_that_grows_is_not_told_before_it_has_ended(watch, folder):
    other, copied = write(folder / "other.pdf"), write(folder / "copied.pdf", "the first half")
    assert watch.look(0) == []
    append(copied, ", more")
    assert watch.look(STILL_S) == [other]
    append(copied, ", and the end")
    assert watch.look(2 * STILL_S) == []
    assert watch.look(3 * STILL_S) == [copied]


def test_a_file_that_has_changed_is_told_again(watch, folder):
    letter = write(folder / "letter.pdf", "version 1")
    watch.look(0)
    watch.look(STILL_S)
    written = letter.stat()
    # Put in its place, of the same size and with the same time.
    new = write(folder / ".new", "version 2")
    os.utime(new, ns=(written.st_atime_ns, written.st_mtime_ns))
    new.replace(letter)
    assert watch.look(100) == []
    assert watch.look(100 + STILL_S) == [letter]


def test_a_copy_that_pauses_is_given_more_time_each_time_that_it_was_refused(watch, folder):
    slow = write(folder / "slow.pdf", "%PDF-1.7")
    watch.look(0)
    assert watch.look(STILL_S) == [slow]
    now_s, still_s = 100.0, STILL_S
    while still_s < LONGEST_STILL_S:
        watch.note([FileReport.refused(slow, "the PDF is cut off")])
        still_s *= 2
        append(slow, "some more")
        assert watch.look(now_s) == []
        assert watch.look(now_s + still_s - 0.1) == []
        assert watch.look(now_s + still_s) == [slow]
        now_s += 100
    watch.note([FileReport.refused(slow, "the PDF is cut off")])
    append(slow, "the end")
    watch.look(now_s)
    assert watch.look(now_s + LONGEST_STILL_S) == [slow]


def test_what_an_ingest_passes_over_is_not_told(watch, folder):
    write(folder / ".hidden.pdf")
    write(folder / ".cache" / "page.pdf")
    write(folder / "library" / DATABASE)
    write(folder / "library" / "preview.webp")
    (folder / "broken.pdf").symlink_to(folder / "nowhere.pdf")
    watch.look(0)
    assert watch.look(STILL_S) == []


def test_a_file_that_was_away_is_told_when_it_is_back(watch, folder):
    letter = write(folder / "letter.pdf")
    watch.look(0)
    assert watch.look(STILL_S) == [letter]
    away = letter.rename(folder / ".away")
    assert watch.look(10) == []
    away.rename(letter)
    assert watch.look(20) == []
    assert watch.look(20 + STILL_S) == [letter]


def test_what_could_not_be_taken_is_told_again(watch, folder):
    letter, gone = write(folder / "letter.pdf"), write(folder / "gone.pdf")
    watch.look(0)
    assert watch.look(STILL_S) == [gone, letter]
    gone.unlink()
    watch.give_back([gone, letter])
    assert watch.look(10) == [letter]
    watch.give_back([letter])
    append(letter, ", and a postscript")
    assert watch.look(20) == []
    assert watch.look(20 + STILL_S) == [letter]


def test_what_could_not_be_taken_is_told_again_without_an_event(watch, folder):
    letter = write(folder / "letter.pdf")
    batches = iter(watch)
    assert next(batches) == [letter]
    began_s = time.monotonic()
    watch.give_back([letter])
    assert next(batches) == [letter]
    assert time.monotonic() - began_s < RESCAN_S / 2


def test_files_are_told_as_they_come_by_themselves_or_with_a_folder(watch, folder, tmp_path):
    batches = iter(watch)
    assert next(batches) == []
    letter = write(folder / "letter.pdf")
    assert next(batches) == [letter]
    packed = write(tmp_path / "packed" / "report.pdf").parent.rename(folder / "packed")
    assert next(batches) == [packed / "report.pdf"]
    append(letter, ", and a postscript")
    assert next(batches) == [letter]


def test_a_folder_that_goes_away_ends_the_watch(watch, folder):
    batches = iter(watch)
    assert next(batches) == []
    folder.rmdir()
    with pytest.raises(PathNotFound, match="inbox"):
        next(batches)


def test_a_change_that_no_event_tells_of_is_found_now_and_then(
    watch, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr("ingest.watch.RESCAN_S", STILL_S)
    elsewhere = write(tmp_path / "elsewhere" / "letter.pdf")
    link = folder / "link.pdf"
    link.symlink_to(elsewhere)
    batches = iter(watch)
    assert next(batches) == [link]
    append(elsewhere, ", and a postscript")
    assert next(batches) == [link]


def test_a_folder_that_the_system_lets_nobody_watch_is_named(watch):
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.dup(0)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, most))
    try:
        with pytest.raises(WatchFailed, match=r"inbox cannot be watched: .*Too many open files"):
            next(iter(watch))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
