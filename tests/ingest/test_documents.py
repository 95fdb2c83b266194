"""What a library knows of its documents: the same in SQLite and in PostgreSQL."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from ingest.database import LIBRARY_ID
from ingest.documents import (
    COLLECTION,
    KEPT_QUESTIONS,
    Counts,
    Document,
    Documents,
    PageRecord,
)
from ingest.job_table import Jobs, Task
from ingest.jobs import Job, JobState
from ingest.media_types import MediaType
from ingest.sources import Source
from retrieval.errors import DatabaseServerFailed, LibraryMismatch, LibraryUnusable
from retrieval.records import Kind, TextSource
from tests.postgres import PASSWORD
from tests.terminal import ROOT

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
READ = PageRecord(0, TextSource.OCR, 30, None)
BROKEN = PageRecord(1, TextSource.NONE, 0, "the page is damaged")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where the tables are: the arguments of `Documents`."""
    folder = tmp_path / "library"
    folder.mkdir()
    if request.param == "sqlite":
        return folder, None
    return folder, SecretStr(request.getfixturevalue("database_url"))


@pytest.fixture
def documents(place):
    with closing(Documents(*place)) as documents:
        yield documents


def build_source(name="report.pdf", document_id="a" * 64):
    return Source(Path("/in") / name, document_id, MediaType.PDF, 5_000_000_000, name)


def begin(documents, name="report.pdf", document_id="a" * 64, added_at=NOON, tags=()):
    documents.begin(build_source(name, document_id), 2, Kind.PAGE, added_at, tags)
    return document_id


def add_whole(documents, *arguments, kind=Kind.PAGE, pages=(READ,), **options):
    id_ = begin(documents, *arguments, **options)
    documents.add_pages(id_, pages)
    documents.finish(id_, kind)
    return id_


def test_a_document_is_listed_once_it_is_whole(documents):
    id_ = begin(documents, tags=["10-K", "a \ud800 \0 tag"])
    assert documents.list_whole() == []
    assert documents.find(id_) is None
    (unfinished,) = documents.list_unfinished()
    documents.add_pages(id_, [BROKEN, READ])
    documents.finish(id_, Kind.PHOTO)
    assert documents.list_unfinished() == []
    assert documents.list_whole() == [documents.find(id_)]
    assert documents.find(id_) == Document(
        id_, "report.pdf", MediaType.PDF, Kind.PHOTO, 5_000_000_000, 2, NOON,
        ("10-K", "a \ud800 \0 tag"),
    )  # fmt: skip
    assert unfinished.kind is Kind.PAGE
    assert documents.list_pages(id_) == [READ, BROKEN]
    assert documents.list_indexed_pages() == {(id_, 0)}


def test_to_begin_again_changes_nothing(documents):
    id_ = begin(documents)
    documents.add_pages(id_, [READ])
    begin(documents, "another name.pdf", added_at=NOON + timedelta(days=1))
    (document,) = documents.list_unfinished()
    assert (document.name, document.added_at) == ("report.pdf", NOON)
    documents.finish(id_, Kind.PAGE)
    begin(documents)
    assert documents.find(id_) == document
    assert len(documents.list_pages(id_)) == 1


def test_a_page_recorded_again_is_counted_once(documents):
    id_ = begin(documents)
    assert len(documents.list_pages(id_)) == 0
    documents.add_pages(id_, [])
    documents.add_pages(id_, [BROKEN])
    documents.add_pages(id_, [READ, PageRecord(1, TextSource.TEXT_LAYER, 7, None)])
    assert len(documents.list_pages(id_)) == 2
    assert documents.list_pages(id_)[1].error is None


def test_documents_are_listed_newest_first_then_by_the_bytes_of_their_names(documents):
    east = timezone(timedelta(hours=9))
    add_whole(documents, "b.pdf", "1" * 64)
    add_whole(documents, "Z.pdf", "2" * 64)
    add_whole(documents, "é.pdf", "3" * 64)
    add_whole(documents, "old.pdf", "4" * 64, added_at=(NOON - timedelta(hours=1)).astimezone(east))
    add_whole(documents, "new.pdf", "5" * 64, added_at=NOON + timedelta(microseconds=1))
    names = [document.name for document in documents.list_whole()]
    assert names == ["new.pdf", "Z.pdf", "b.pdf", "é.pdf", "old.pdf"]


def test_what_is_deleted_is_gone_with_its_pages(documents):
    id_ = add_whole(documents)
    other = add_whole(documents, "other.pdf", "b" * 64)
    documents.delete(id_)
    assert documents.list_pages(id_) == []
    assert len(documents.list_pages(id_)) == 0
    assert [document.document_id for document in documents.list_whole()] == [other]
    with pytest.raises(LibraryUnusable):
        documents.add_pages(id_, [READ])


def test_counts_are_of_whole_documents(documents):
    assert documents.count() == Counts(0, 0, 0, 0, 0, 0)
    wordless = PageRecord(0, TextSource.NONE, 0, None)
    add_whole(documents, "1.pdf", "1" * 64, pages=[READ, BROKEN])
    add_whole(documents, "2.png", "2" * 64, kind=Kind.PHOTO, pages=[wordless])
    documents.add_pages(begin(documents, "3.pdf", "3" * 64), [READ])
    add_job(documents, "bad.pdf", JobState.FAILED, "the file is empty (0 bytes)")
    assert documents.count() == Counts(
        documents=2, pages=2, photos=1, sounds=0, failed=1, unread_pages=1
    )


def add_job(documents, path, state, error=None, **options):
    """A job of a file, straight in the table."""
    job = Job(
        job_id=uuid4().hex,
        name=Path(path).name,
        state=state,
        document_id=None,
        n_pages=None,
        pages_done=0,
        error=error,
        created_at=datetime.now(timezone.utc),
        tags=("a", "b"),
    )
    task = Task(
        job, Path(path), str(path), **{"is_upload": False, **options}, is_urgent=True, attempt=2
    )
    Jobs(documents.database).add(task)
    return task


def test_a_job_comes_back_as_it_was_written(documents):
    odd = os.fsdecode(b"/in/caf\xe9/" + b"deep/" * 700 + b"x.pdf")
    task = add_job(documents, odd, JobState.QUEUED)
    found = Jobs(documents.database).read(task.job.job_id)
    assert found.job == task.job
    assert (found.path, found.is_urgent, found.attempt) == (Path(odd), True, 2)


def test_what_failed_is_listed_with_its_reason_and_uploads_are_not(documents):
    add_job(documents, "/in/b.pdf", JobState.FAILED, "the file is encrypted")
    add_job(documents, "/in/a.pdf", JobState.DONE, "page 3 is left out: damaged")
    add_job(documents, "/in/c.pdf", JobState.DONE)
    add_job(documents, "/in/d.pdf", JobState.FAILED, "empty", is_upload=True)
    failures = [(str(f.path), f.error) for f in Jobs(documents.database).list_failures()]
    assert failures == [
        ("/in/a.pdf", "page 3 is left out: damaged"),
        ("/in/b.pdf", "the file is encrypted"),
    ]
    assert documents.count().failed == 2


def test_the_newest_questions_are_kept_each_once(documents):
    for i in range(KEPT_QUESTIONS + 2):
        documents.record_question(f"question {i}")
    documents.record_question("question 7")
    documents.record_question("what is \ud83d\0?" + " very" * 1_000)
    kept = documents.list_questions()
    assert kept[0].startswith("what is ?\N{REPLACEMENT CHARACTER}?")
    assert kept[1:3] == ["question 7", f"question {KEPT_QUESTIONS + 1}"]
    assert len(kept) == len(set(kept)) == KEPT_QUESTIONS


def test_settings_of_the_library_are_kept(documents, place):
    assert documents.read_setting("encoder_key") is None
    for value in ("one", "two"):
        documents.write_setting("encoder_key", value)
    id_ = documents.read_setting(LIBRARY_ID)
    assert len(id_) == 32
    with closing(Documents(*place)) as again:
        assert again.read_setting("encoder_key") == "two"
        assert again.read_setting(LIBRARY_ID) == id_


def test_a_copy_holds_the_same_and_is_a_library_of_its_own(documents, tmp_path):
    id_ = add_whole(documents, pages=[READ, BROKEN], tags=["10-K"])
    documents.add_pages(begin(documents, "half.pdf", "b" * 64), [READ])
    add_job(documents, "/in/bad.pdf", JobState.FAILED, "empty")
    documents.record_question("what?")
    documents.write_setting("encoder_key", "one")
    documents.write_setting(COLLECTION, "pagelens-1")
    (tmp_path / "copy").mkdir()
    with closing(Documents(tmp_path / "copy")) as copy:
        own = copy.read_setting(LIBRARY_ID)
        documents.copy_to(copy)
        assert copy.list_whole() == documents.list_whole()
        assert copy.list_unfinished() == documents.list_unfinished()
        assert copy.list_pages(id_) == [READ, BROKEN]
        assert Jobs(copy.database).list_failures() == Jobs(documents.database).list_failures()
        assert copy.list_questions() == ["what?"]
        assert copy.read_setting("encoder_key") == "one"
        assert copy.read_setting(COLLECTION) is None
        assert copy.read_setting(LIBRARY_ID) == own != documents.read_setting(LIBRARY_ID)


def test_a_copy_is_of_one_moment(documents):
    begin(documents)
    with documents._database.read_snapshot() as rows:
        assert rows.exec_driver_sql("SELECT COUNT(*) FROM documents").scalar_one() == 1
        documents.add_pages(begin(documents, "b.pdf", "b" * 64), [READ])
        assert rows.exec_driver_sql("SELECT COUNT(*) FROM pages").scalar_one() == 0
    assert len(documents.list_pages("b" * 64)) == 1


def test_threads_write_and_read_side_by_side(documents):
    errors = []

    def work(letter):
        try:
            for i in range(20):
                add_whole(documents, f"{letter}.pdf", f"{letter}{i:063d}")
                documents.record_question(f"{letter} {i}")
                documents.list_whole()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[letter]) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert documents.count().documents == 80


WRITER = """
import sys
from contextlib import closing
from pathlib import Path
from pydantic import SecretStr
from ingest.documents import Documents
url = SecretStr(sys.argv[2]) if len(sys.argv) > 2 else None
with closing(Documents(Path(sys.argv[1]), url)) as documents:
    print("open", flush=True)
    # In the middle of writing, until the reader has read.
    with documents._database.write() as rows:
        rows.exec_driver_sql("INSERT INTO library VALUES ('half', 'written')")
        print("writing", flush=True)
        sys.stdin.readline()
"""


def start_writer(folder, url):
    arguments = [str(folder), *([url.get_secret_value()] if url else [])]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_reader_waits_for_no_writer_of_another_process(documents, place):
    add_whole(documents)
    with start_writer(*place) as writer:
        assert [writer.stdout.readline().strip() for _ in range(2)] == ["open", "writing"]
        started = time.perf_counter()
        with closing(Documents(*place)) as reader:
            assert reader.count().documents == 1
            assert reader.read_setting("half") is None
        assert time.perf_counter() - started < 2
        writer.communicate("\n")
    assert writer.returncode == 0
    assert documents.read_setting("half") == "written"


def test_writers_of_several_processes_take_turns(documents, place):
    with start_writer(*place) as writer:
        assert [writer.stdout.readline().strip() for _ in range(2)] == ["open", "writing"]
        waiting = threading.Thread(target=documents.write_setting, args=["mine", "too"])
        waiting.start()
        writer.communicate("\n")
        waiting.join(20)
    assert documents.read_setting("mine") == "too"


def test_readers_may_come_while_a_library_is_made(tmp_path):
    errors = []

    def read(folder):
        try:
            while not (folder / "pagelens.sqlite").exists():
                pass
            with closing(Documents(folder)) as reader:
                reader.count()
        except Exception as error:
            errors.append(error)

    for i in range(5):
        folder = tmp_path / str(i)
        folder.mkdir()
        readers = [threading.Thread(target=read, args=[folder]) for _ in range(3)]
        for reader in readers:
            reader.start()
        with closing(Documents(folder)) as documents:
            documents.write_setting("name", "value")
        for reader in readers:
            reader.join()
    assert errors == []


def test_several_machines_may_make_the_same_library_at_once(tmp_path, database_url):
    errors, ids = [], []

    def open_once():
        try:
            with closing(Documents(tmp_path, SecretStr(database_url))) as documents:
                ids.append(documents.read_setting(LIBRARY_ID))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=open_once) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(ids) == 5
    assert len(set(ids)) == 1


def test_a_database_is_of_one_library(tmp_path, database_url, postgres_server):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
    url = SecretStr(database_url)
    Documents(mine, url).close()
    with pytest.raises(LibraryMismatch, match=rf"library_\d+ at 127.*another library than {other}"):
        Documents(other, url)
    with pytest.raises(LibraryMismatch, match="PAGELENS_DATABASE_URL is not set"):
        Documents(mine)
    assert not (mine / "pagelens.sqlite").exists()
    Documents(other).close()
    with pytest.raises(LibraryMismatch, match="are in its folder, not in the PostgreSQL"):
        Documents(other, url)
    # On another machine, the folder is a copy, or the same one over the network.
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "pagelens.postgresql").write_bytes(
        (mine / "pagelens.postgresql").read_bytes()
    )
    Documents(tmp_path / "copy", url).close()


def test_a_database_that_was_lost_is_not_made_anew(tmp_path, postgres_server):
    Documents(tmp_path, SecretStr(postgres_server.create_database())).close()
    (tmp_path / "files").mkdir()
    with pytest.raises(LibraryMismatch, match=f"is empty, and the library {tmp_path} is not"):
        Documents(tmp_path, SecretStr(postgres_server.create_database()))


def test_tables_of_another_release_are_not_read(documents, place):
    documents.write_setting("schema", "1")
    with pytest.raises(LibraryMismatch, match=r"is of schema 1, and this release.*reads 3"):
        Documents(*place)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"\0" * 4096])
def test_a_damaged_database_is_named_in_one_line(tmp_path, content):
    (tmp_path / "pagelens.sqlite").write_bytes(content)
    with pytest.raises(LibraryUnusable, match=r"^pagelens\.sqlite: file is not a database$"):
        Documents(tmp_path)


def test_a_server_that_is_down_or_refuses_is_said_at_once_and_no_password_with_it(
    tmp_path, postgres_server
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    # It takes connections, and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        at = "postgresql://pagelens:{}@127.0.0.1:{}/library"
        for url, reason in {
            at.format(PASSWORD, closed): "refused",
            at.format(PASSWORD, port): "timeout",
            postgres_server.url("nothing"): 'database "nothing" does not exist',
            postgres_server.url("postgres", "wrong-" + PASSWORD): "password authentication failed",
        }.items():
            started = time.perf_counter()
            with pytest.raises(DatabaseServerFailed) as failed:
                Documents(tmp_path, SecretStr(url))
            assert time.perf_counter() - started < 10
            said = str(failed.value)
            assert "127.0.0.1" in said
            assert reason in said
            assert "\n" not in said
            assert PASSWORD not in said + str(failed.value.__cause__)
    assert not list(tmp_path.iterdir())


def test_a_server_started_again_is_no_error(tmp_path, database_url, postgres_server):
    with closing(Documents(tmp_path, SecretStr(database_url))) as documents:
        documents.write_setting("name", "value")
        postgres_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{database_url.rpartition('/')[2]}'"
        )
        assert documents.read_setting("name") == "value"
