"""The library as one archive over HTTP, while it is used; whole, or seen to be torn."""

import socket
import tarfile
import threading

import pytest

from app.api.application import build_application
from app.api.backup import SAVING
from app.client import PagelensClient
from app.library import Library
from app.restore import restore_library
from app.settings import Settings
from retrieval.errors import AccessDenied, BackupNotWritten, InvalidBackup, ServerUnreachable
from tests.app.api.asking import (
    error_of,
    follow,
    pdf_bytes,
    saving_folders,
    wait_until_removed,
)
from tests.app.api.serving import serve
from tests.terminal import last_json, run_pagelens

BACKUP = "/api/v1/backup"
KEY = "key-of-the-backup"
WAIT_S = 60


def silent(progress):
    pass


@pytest.fixture
def held_back(receiving, monkeypatch):
    """Lets each backup go on when it is told to: sets one event and waits for the other."""
    began, may_end = threading.Event(), threading.Event()
    backup = receiving.library.backup

    def wait(file, on_progress):
        def look(progress):
            began.set()
            assert may_end.wait(WAIT_S)
            on_progress(progress)

        return backup(file, look)

    monkeypatch.setattr(receiving.library, "backup", wait)
    yield began, may_end
    may_end.set()


def test_an_archive_is_sent_whole_and_nothing_of_it_stays(receiving, tmp_path):
    answer = receiving.http.get(BACKUP)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/gzip"
    assert answer.headers["content-disposition"] == 'attachment; filename="library.tar.gz"'
    assert len(answer.content) == int(answer.headers["content-length"])
    (tmp_path / "got.tar.gz").write_bytes(answer.content)
    restored = restore_library(tmp_path / "got.tar.gz", tmp_path / "restored", silent)
    assert restored.documents == int(answer.headers["pagelens-documents"]) == 3
    assert restored.pages == int(answer.headers["pagelens-pages"]) == 4
    with Library(Settings(library=tmp_path / "restored")) as library:
        assert library.search("mooring fees", 1).hits[0].document == "harbour.pdf"
    wait_until_removed(receiving.library)


def test_searches_go_on_and_uploads_wait(receiving, held_back, tmp_path):
    began, may_end = held_back
    saved = []

    def save():
        with PagelensClient(str(receiving.http.base_url)) as client:
            saved.append(client.backup(tmp_path / "saved.tar.gz", silent))

    saving = threading.Thread(target=save)
    saving.start()
    assert began.wait(WAIT_S)
    content = pdf_bytes(tmp_path, "The ferry leaves at noon.")
    answer = receiving.http.post("/api/v1/documents", files={"files": ("ferry.pdf", content)})
    (job,) = answer.json()["jobs"]
    found = receiving.http.post("/api/v1/search", json={"question": "mooring fees"}).json()
    assert found["hits"][0]["document"] == "harbour.pdf"
    assert receiving.http.get(f"/api/v1/jobs/{job['job_id']}").json()["state"] != "done"
    may_end.set()
    done = follow(receiving.http, job["job_id"])[-1]
    assert done["state"] == "done"
    saving.join(WAIT_S)
    assert (saved[0].documents, saved[0].pages) == (3, 4)
    assert saved[0].bytes == (tmp_path / "saved.tar.gz").stat().st_size
    assert restore_library(tmp_path / "saved.tar.gz", tmp_path / "restored", silent).documents == 3
    receiving.http.delete(f"/api/v1/documents/{done['document_id']}")


def test_a_client_that_goes_away_ends_the_backup(receiving, held_back):
    began, may_end = held_back
    address = (receiving.http.base_url.host, receiving.http.base_url.port)
    with socket.create_connection(address) as connection:
        connection.sendall(f"GET {BACKUP} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert began.wait(WAIT_S)
        assert saving_folders(receiving.library)
    may_end.set()
    wait_until_removed(receiving.library)
    # The library can be written to again.
    with receiving.library._locks.writing():
        pass


def test_a_server_that_stops_ends_the_backup_and_leaves_no_file(receiving, held_back, tmp_path):
    began, may_end = held_back
    errors = []

    def save(address):
        with PagelensClient(address) as client:
            try:
                client.backup(tmp_path / "saved.tar.gz", silent)
            except ServerUnreachable as error:
                errors.append(str(error))

    with serve(receiving.library, Settings(library=receiving.library.folder)) as address:
        saving = threading.Thread(target=save, args=(address,))
        saving.start()
        assert began.wait(WAIT_S)
    saving.join(WAIT_S)
    may_end.set()
    assert len(errors) == 1
    assert address in errors[0]
    assert list(tmp_path.iterdir()) == []
    wait_until_removed(receiving.library)


def test_a_torn_answer_is_no_backup(receiving, tmp_path):
    """A server, or what stands before it, that closes the connection half-way."""
    content = receiving.http.get(BACKUP).content
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/gzip\r\n"
        f"pagelens-documents: 3\r\npagelens-pages: 4\r\ncontent-length: {len(content)}\r\n\r\n"
    )

    def answer_half(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(head.encode() + content[: len(content) // 2])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=answer_half, args=(listener,))
        answering.start()
        with (
            PagelensClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client,
            pytest.raises(ServerUnreachable, match="cannot be reached: peer closed connection"),
        ):
            client.backup(tmp_path / "saved.tar.gz", silent)
        answering.join()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "half.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidBackup, match="torn"):
        restore_library(tmp_path / "half.tar.gz", tmp_path / "restored", silent)


def test_a_disk_that_is_full_is_told_without_a_path(receiving, monkeypatch):
    def fail(file, on_progress):
        full = OSError(28, "No space left on device", str(file))
        raise BackupNotWritten(f"{file} cannot be written: no space") from full

    monkeypatch.setattr(receiving.library, "backup", fail)
    answer = receiving.http.get(BACKUP)
    assert answer.status_code == 507
    error = error_of(answer)
    assert error["type"] == "DiskFull"
    assert error["message"] == "the backup cannot be written: No space left on device"
    assert not saving_folders(receiving.library)


def test_what_a_killed_server_has_left_is_removed(tmp_path):
    settings = Settings(library=tmp_path / "library")
    with Library(settings) as library:
        left = library.folder / f"{SAVING}abc"
        left.mkdir()
        (left / "library.tar.gz.part").write_bytes(b"half")
        build_application(library, settings)
        assert not left.exists()


def test_it_is_behind_the_doors(receiving, tmp_path):
    settings = Settings(library=receiving.library.folder, api_key=KEY)
    with serve(receiving.library, settings) as address:
        with PagelensClient(address, api_key="wrong") as client, pytest.raises(AccessDenied):
            client.backup(tmp_path / "saved.tar.gz", silent)
        assert list(tmp_path.iterdir()) == []


def test_pagelens_backup_asks_the_server_and_prints_the_same(served, tmp_path):
    folder = served.library.folder
    alone = run_pagelens("backup", tmp_path / "alone.gz", "--library", served.unserved_copy)
    asked = run_pagelens("backup", tmp_path / "asked.gz", "--library", folder)
    assert asked.returncode == 0, asked.stderr
    size = (tmp_path / "asked.gz").stat().st_size / 1e6
    told = f"Saved 3 documents (4 pages) in {tmp_path / 'asked.gz'} ({size:,.1f} MB).\n"
    assert asked.stdout == told
    assert alone.stdout.startswith("Saved 3 documents (4 pages) in ")
    with tarfile.open(tmp_path / "alone.gz") as one, tarfile.open(tmp_path / "asked.gz") as other:
        kept = [[n for n in t.getnames() if n.startswith("files/")] for t in (one, other)]
    assert kept[0] == kept[1]
    printed = last_json(run_pagelens("backup", tmp_path / "json.gz", "--json", "--library", folder))
    size = (tmp_path / "json.gz").stat().st_size
    assert printed == {"documents": 3, "pages": 4, "bytes": size}


def test_pagelens_backup_refuses_the_same_files_as_without_a_server(served, tmp_path):
    folder = served.library.folder
    (tmp_path / "thesis.pdf").write_text("the only copy")
    for file in (tmp_path / "thesis.pdf", tmp_path / "no" / "folder.gz"):
        alone = run_pagelens("backup", file, "--library", served.unserved_copy)
        asked = run_pagelens("backup", file, "--library", folder)
        assert asked.returncode == alone.returncode == 7
        assert asked.stdout == alone.stdout == ""
        assert asked.stderr.splitlines()[-2:] == alone.stderr.splitlines()[-2:]
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.pdf"]
