"""`pagelens ingest` while `pagelens serve` holds the library: the server takes the files."""

import pytest

from app.client import PagelensClient
from tests.documents import write_text_pdf
from tests.terminal import last_json, run_pagelens, serve_pagelens


@pytest.fixture
def served_library(tmp_path):
    """A folder, and the address it is served at."""
    with serve_pagelens(tmp_path / "library") as server:
        yield tmp_path / "library", server.address


def test_files_go_to_the_server_that_holds_the_library(served_library, tmp_path):
    folder, address = served_library
    files = tmp_path / "files"
    files.mkdir()
    write_text_pdf(files / "harbour.pdf", "The harbour master collects fees.", "Storm warnings")
    write_text_pdf(files / "bakery.pdf", "Rye bread and plum cake")
    (files / "notes.pdf").write_text("no PDF")
    ended = run_pagelens("ingest", str(files), "--tag", "town", "--library", str(folder), "--json")
    assert ended.returncode == 3
    assert f"The library is served at {address}" in ended.stderr
    report = last_json(ended)
    assert (report["documents"], report["pages"], report["skipped"]) == (2, 3, 0)
    assert [failure["file"] for failure in report["failed"]] == [str(files / "notes.pdf")]
    with PagelensClient(address) as client:
        found = {document.name: document.tags for document in client.list_documents()}
    assert found == {"harbour.pdf": ["town"], "bakery.pdf": ["town"]}
    again = run_pagelens("ingest", str(files), "--library", str(folder), "--json")
    assert last_json(again)["skipped"] == 2
