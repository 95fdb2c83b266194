"""A library is saved into one file while it is used, and restored from it whole or not at all."""

import gzip
import io
import json
import sqlite3
import tarfile
import threading
from contextlib import ExitStack

import numpy as np
import pytest

from app.backup import FORMAT_NAME
from app.library import Library
from app.library_status import read_status
from app.restore import restore_library
from app.settings import Settings, load_settings
from retrieval.errors import (
    BackupNotWritten,
    InvalidBackup,
    InvalidLibraryPath,
    LibraryBusy,
    LibraryExists,
)
from tests.documents import write_text_pdf
from tests.libraries import copy_library
from tests.terminal import last_json, run_pagelens

QUESTIONS = ["Who collects the mooring fees?", "moons of Jupiter", "rye bread", "a sunset"]


def silent(progress):
    pass


def open_library(folder):
    return Library(Settings(library=folder))


@pytest.fixture(scope="module")
def original(terminal_library, tmp_path_factory):
    folder = tmp_path_factory.mktemp("original") / "library"
    copy_library(terminal_library.folder, folder)
    return folder


@pytest.fixture(scope="module")
def archive(original, tmp_path_factory):
    file = tmp_path_factory.mktemp("backup") / "library.tar.gz"
    ended = run_pagelens("backup", file, "--json", "--library", original)
    saved = last_json(ended)
    assert (saved["documents"], saved["pages"]) == (7, 12)
    assert saved["bytes"] == file.stat().st_size
    return file


def rewrite(archive, file, *added, leave_out=(), change=None):
    """Writes an archive anew: some members left out, others changed, some added before the end."""
    with (
        tarfile.open(archive) as source,
        tarfile.open(file, "w:gz", compresslevel=1) as target,
    ):
        for member in source:
            if member.name == "end.json":
                for extra in added:
                    target.addfile(*extra)
            if member.name.startswith(tuple(leave_out)):
                continue
            content = source.extractfile(member).read()
            if change is not None:
                content = change(member.name, content)
                member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return file


def count_fewer(n):
    """A change that lets an archive say that it holds so many files fewer."""

    def change(name, content):
        if name not in (FORMAT_NAME, "end.json"):
            return content
        told = json.loads(content)
        return json.dumps({**told, "files": told["files"] - n}).encode()

    return change


@pytest.fixture(scope="module")
def small_archive(archive, tmp_path_factory):
    """A backup that lacks the index, which is noticed last: most of it are zeros to be read."""
    with tarfile.open(archive) as tar:
        n = sum(name.startswith("index/") for name in tar.getnames())
    file = tmp_path_factory.mktemp("small") / "small.tar.gz"
    rewrite(archive, file, leave_out=["index/"], change=count_fewer(n))
    folder = file.with_name("library")
    with pytest.raises(InvalidBackup, match="the index is missing"):
        restore_library(file, folder, silent)
    return file


@pytest.fixture
def change_archive(small_archive, tmp_path):
    return lambda *added, **options: rewrite(
        small_archive, tmp_path / "changed.tar.gz", *added, **options
    )


def build_member(name, type_=tarfile.REGTYPE, linkname=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = type_, linkname
    member.size = 4 if type_ == tarfile.REGTYPE else 0
    return member, io.BytesIO(b"evil")


def read_everything(library):
    """What searches answer, and every vector, of a library."""
    answers = [
        [(hit.document_id, hit.page_index, hit.score, hit.matches) for hit in answer.hits]
        for answer in (library.search(question, 10) for question in QUESTIONS)
    ]
    pages = sorted(library._index.list_pages())
    embeddings = [None if e is None else e.vectors for e in library._index.fetch(pages)]
    photos = [library._index.fetch_photo(*page) for page in pages]
    return answers, pages, embeddings, photos, library._index.fetch_texts(pages)


def assert_same(one, other):
    for mine, theirs in zip(one, other, strict=True):
        if isinstance(mine, list) and any(isinstance(item, np.ndarray) for item in mine):
            for a, b in zip(mine, theirs, strict=True):
                assert (a is None) == (b is None)
                assert a is None or np.array_equal(a, b)
        else:
            assert mine == theirs


def test_a_restored_library_answers_the_same_vector_for_vector(original, archive, tmp_path):
    folder = tmp_path / "restored"
    ended = run_pagelens("restore", archive, "--library", folder)
    assert ended.stdout == f"Restored 7 documents (12 pages) into {folder}.\n"
    assert ended.returncode == 0
    before, after = read_status(original), read_status(folder)
    assert (before.documents, before.refusals) == (after.documents, after.refusals)
    # What the index reserves without using it takes no place here either.
    assert after.n_bytes < 1.2 * before.n_bytes
    for kept in ("files", "previews"):
        names = sorted(p.relative_to(original) for p in (original / kept).rglob("*.*"))
        assert names == sorted(p.relative_to(folder) for p in (folder / kept).rglob("*.*"))
        assert all((original / name).read_bytes() == (folder / name).read_bytes() for name in names)
    with open_library(original) as one, open_library(folder) as other:
        assert_same(read_everything(one), read_everything(other))
        assert other.examine(silent).is_healthy
        # Two libraries from now on.
        assert one._documents.read_setting("library_id") != other._documents.read_setting(
            "library_id"
        )
        assert not list(folder.glob("restoring*"))


def test_a_library_is_saved_while_files_are_added_deleted_and_searched(original, tmp_path):
    folder, file = tmp_path / "library", tmp_path / "saved.tar.gz"
    copy_library(original, folder)
    batches = []
    for batch in range(3):
        (tmp_path / str(batch)).mkdir()
        for i in range(2):
            write_text_pdf(
                tmp_path / str(batch) / f"log {batch} {i}.pdf",
                *[f"Day {day} of log {batch}, {i}: wind and tide." for day in range(4)],
            )
        batches.append(tmp_path / str(batch))
    indexing, saved, errors = threading.Event(), threading.Event(), []

    def add():
        try:
            for path in batches:
                library.ingest([path], lambda p: p.stage == "indexing" and indexing.set())
            library.delete(library.find_document("bakery.pdf").document_id)
        except Exception as error:
            errors.append(error)

    def look(progress):
        # From within: the backup is under way.
        if progress.done == 1:
            assert library.search("mooring fees", 1).hits[0].page_number == 1
            saved.set()

    with open_library(folder) as library:
        adding = threading.Thread(target=add)
        adding.start()
        assert indexing.wait(60)
        counts = library.backup(file, look)
        adding.join(120)
        assert saved.is_set()
        assert errors == []
        assert "bakery.pdf" not in [document.name for document in library.list_documents()]
    restored = tmp_path / "restored"
    assert restore_library(file, restored, silent) == counts
    with open_library(restored) as library:
        names = [document.name for document in library.list_documents()]
        # What was whole, and nothing of what was half added; what was deleted later is there.
        assert len(names) == counts.documents
        assert "bakery.pdf" in names
        diagnosis = library.examine(silent)
        assert diagnosis.is_healthy
        assert diagnosis.n_pages == counts.pages - counts.unread_pages
        # The others can be added, as to any library.
        library.ingest(batches, silent)
        added = {document.name for document in library.list_documents()}
        assert {f"log {batch} {i}.pdf" for batch in range(3) for i in range(2)} <= added
        assert library.examine(silent).is_healthy


def test_closing_the_library_ends_a_backup_and_leaves_no_half_file(original, tmp_path):
    file = tmp_path / "saved.tar.gz"
    library = open_library(original)
    with ExitStack() as closing:

        def close(progress):
            thread = threading.Thread(target=library.close)
            thread.start()
            closing.callback(thread.join)
            while not library._is_closing:
                pass

        with pytest.raises(BackupNotWritten, match="closed while it was being saved"):
            library.backup(file, close)
    assert list(tmp_path.iterdir()) == []
    open_library(original).close()


def test_a_backup_can_be_ended_within_a_large_file(original, tmp_path):
    folder = tmp_path / "library"
    copy_library(original, folder)
    with open_library(folder) as library:
        large = library.find_original(library.find_document("bakery.pdf").document_id)
        with large.open("ab") as file:
            file.write(bytes(4 << 20))
        told = []

        def end(progress):
            told.append(progress.done)
            if told.count(progress.done) == 3:
                raise BackupNotWritten("enough")

        with pytest.raises(BackupNotWritten, match="enough"):
            library.backup(tmp_path / "saved.tar.gz", end)
    assert [path.name for path in tmp_path.iterdir()] == ["library"]


def test_a_file_that_is_there_is_not_written_over(original, tmp_path):
    (tmp_path / "thesis.pdf").write_text("the only copy")
    ended = run_pagelens("backup", tmp_path / "thesis.pdf", "--library", original)
    assert (ended.returncode, ended.stdout) == (7, "")
    assert f"{tmp_path / 'thesis.pdf'} is there already" in ended.stderr
    assert (tmp_path / "thesis.pdf").read_text() == "the only copy"
    ended = run_pagelens("backup", tmp_path / "no" / "folder.gz", "--library", original)
    assert ended.returncode == 7
    assert "folder.gz cannot be written: No such file or directory" in ended.stderr


def test_a_library_in_a_database_is_restored_without_one(tmp_path, database_url):
    harbour = write_text_pdf(tmp_path / "harbour.pdf", "The harbour master collects mooring fees.")
    settings = load_settings(library=tmp_path / "library", database_url=database_url)
    with Library(settings) as library:
        library.ingest([harbour], silent, tags=["port"])
        library.backup(tmp_path / "saved.tar.gz", silent)
        before = read_everything(library)
        documents = library.list_documents()
    restore_library(tmp_path / "saved.tar.gz", tmp_path / "restored", silent)
    with open_library(tmp_path / "restored") as library:
        assert_same(before, read_everything(library))
        assert library.list_documents() == documents


def test_only_an_empty_folder_is_restored_into(original, archive, tmp_path):
    before = read_status(original).documents
    for taken in (original, archive.parent):
        with pytest.raises(LibraryExists, match=f"{taken} is not empty"):
            restore_library(archive, taken, silent)
    assert read_status(original).documents == before
    assert list(archive.parent.iterdir()) == [archive]
    with pytest.raises(InvalidLibraryPath, match="is a file"):
        restore_library(archive, archive, silent)
    ended = run_pagelens("restore", archive, "--library", original)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-2] == f"pagelens: {original} is not empty"
    (tmp_path / "empty").mkdir()
    # What a restore that was killed has left is no library, and in nobody's way.
    (tmp_path / "empty" / "restoring" / "files").mkdir(parents=True)
    assert restore_library(archive, tmp_path / "empty", silent).documents == 7


def test_a_folder_is_restored_into_once_at_a_time(archive, tmp_path):
    busy = []

    def restore_again(progress):
        if not busy:
            with pytest.raises(LibraryBusy):
                restore_library(archive, tmp_path / "new", silent)
            busy.append(True)

    restore_library(archive, tmp_path / "new", restore_again)
    assert busy


def assert_refused(file, tmp_path, reason):
    folder = tmp_path / "below" / "restored"
    with pytest.raises(InvalidBackup, match=reason) as refused:
        restore_library(file, folder, silent)
    assert "\n" not in str(refused.value)
    assert str(file) in str(refused.value)
    assert not folder.exists()
    # An empty folder that was there stays.
    folder.mkdir()
    with pytest.raises(InvalidBackup):
        restore_library(file, folder, silent)
    assert {path.name for path in folder.iterdir()} <= {"library.lock"}


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999, 1.0])
def test_a_torn_backup_is_refused(small_archive, tmp_path, share):
    torn = tmp_path / "torn.tar.gz"
    whole = small_archive.read_bytes()
    torn.write_bytes(whole[: min(int(len(whole) * share), len(whole) - 1)])
    assert_refused(torn, tmp_path, "torn|not a backup|damaged")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_backup_with_a_wrong_byte_is_refused(small_archive, tmp_path, share):
    damaged = bytearray(small_archive.read_bytes())
    damaged[int(len(damaged) * share)] ^= 0x10
    (tmp_path / "damaged.tar.gz").write_bytes(damaged)
    assert_refused(tmp_path / "damaged.tar.gz", tmp_path, "damaged|torn|holds")


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7 not an archive", gzip.compress(b"text"), gzip.compress(bytes(20_000))],
    ids=["empty", "another format", "no archive in it", "an archive of nothing"],
)
def test_what_is_no_backup_is_refused(tmp_path, content):
    (tmp_path / "other.gz").write_bytes(content)
    assert_refused(tmp_path / "other.gz", tmp_path, "not a backup|torn|damaged")
    assert_refused(tmp_path, tmp_path / "2", "cannot be read: Is a directory")


SHA = "ab" * 32


@pytest.mark.parametrize(
    "member",
    [
        build_member("../evil"),
        build_member("/tmp/pagelens-evil"),
        build_member("index/../../evil"),
        build_member("index/.hidden"),
        build_member("index/a\\..\\evil"),
        build_member("files/ab/" + SHA + "/../../../../evil"),
        build_member("files/ab/" + SHA + "\n"),
        build_member("files/cd/" + SHA),
        build_member("library.lock"),
        build_member("pagelens.sqlite"),
        build_member("previews/ab/" + SHA + "/0.html"),
        build_member("index/link", tarfile.SYMTYPE, "/etc"),
        build_member("index/link", tarfile.SYMTYPE, "../../evil"),
        build_member("index/link", tarfile.LNKTYPE, "/etc/passwd"),
        build_member("index/pipe", tarfile.FIFOTYPE),
        build_member("index/device", tarfile.CHRTYPE),
        build_member("index/folder", tarfile.DIRTYPE),
    ],
    ids=lambda member: f"{member[0].type.decode()} {member[0].name!r}",
)
def test_an_archive_that_would_write_elsewhere_is_refused(change_archive, tmp_path, member):
    member[1].seek(0)
    assert_refused(change_archive(member), tmp_path, "holds .* which no backup does")
    assert not list(tmp_path.rglob("*evil*"))


def test_originals_must_be_what_their_names_say(change_archive, tmp_path):
    forged = build_member("files/ab/" + SHA)
    assert_refused(change_archive(forged), tmp_path, f"the original files/ab/{SHA} is damaged")


def test_what_is_missing_or_doubled_is_told(change_archive, tmp_path):
    assert_refused(change_archive(leave_out=["end.json"]), tmp_path / "1", "files are missing")
    assert_refused(change_archive(leave_out=["previews/"]), tmp_path / "2", "files are missing")
    twice = [build_member("index/wal"), build_member("index/wal")]
    assert_refused(change_archive(*twice), tmp_path / "3", "holds wal twice")
    assert_refused(change_archive(leave_out=[FORMAT_NAME]), tmp_path / "4", "not a backup")

    for folder, n, reason in [
        ("files/", 7, r"files/\w\w/\w+ is missing"),
        ("previews/", 12, r"previews/\S+ is missing"),
        ("documents/", 1, "holds no tables"),
    ]:
        file = change_archive(leave_out=[folder], change=count_fewer(n))
        assert_refused(file, tmp_path / folder, reason)


def test_a_backup_of_another_release_is_refused(change_archive, tmp_path):
    def change(name, content):
        return content.replace(b'"format": 1', b'"format": 9') if name == FORMAT_NAME else content

    assert_refused(
        change_archive(change=change), tmp_path, "'format': 9.*this release reads.*'format': 1"
    )


def test_tables_that_lie_are_refused(change_archive, tmp_path):
    def lie(*statements):
        def change(name, content):
            if not name.endswith(".sqlite"):
                return content
            path = tmp_path / "lie.sqlite"
            path.write_bytes(content)
            with sqlite3.connect(path) as rows:
                for statement in statements:
                    rows.execute(statement)
            rows.close()
            return path.read_bytes()

        return change

    for i, (statement, reason) in enumerate(
        [
            (
                "INSERT INTO documents SELECT '../../evil', name, media_type, kind, n_bytes, "
                "n_pages, added_at, tags, 0 FROM documents LIMIT 1",
                "'../../evil' is no document id",
            ),
            ("UPDATE documents SET kind = 'virus'", "'virus' is not a valid Kind"),
            ("UPDATE documents SET tags = 'no json'", "its tables cannot be read"),
            ("UPDATE documents SET added_at = x'00'", "its tables cannot be read"),
            ("UPDATE library SET value = '0' WHERE name = 'schema'", "is of schema 0"),
            ("DROP TABLE questions", "no such table: questions"),
        ]
    ):
        assert_refused(change_archive(change=lie(statement)), tmp_path / str(i), reason)
    garbage = change_archive(change=lambda name, c: b"x" * 999 if name.endswith(".sqlite") else c)
    assert_refused(garbage, tmp_path / "g", "file is not a database")
