"""Commands while `pagelens serve` holds the library: the server takes the files, and answers."""

from app.api.backup import SAVING
from app.client import PagelensClient
from app.restore import restore_library
from tests.documents import write_text_pdf
from tests.terminal import last_json, run_pagelens


def test_files_go_to_the_server_that_holds_the_library(served_library, tmp_path):
    folder, address = served_library
    files = tmp_path / "files"
    files.mkdir()
    write_text_pdf(files / "harbour.pdf", "The harbour master collects fees.", "Storm warnings")
    write_text_pdf(files / "bakery.pdf", "Rye bread and plum cake")
    (files / "old").mkdir()
    write_text_pdf(files / "old" / "harbour.pdf", "The fees of the year before")
    (files / "notes.pdf").write_text("no PDF")
    ended = run_pagelens("ingest", str(files), "--tag", "town", "--library", str(folder), "--json")
    assert ended.returncode == 3
    assert f"The library is served at {address}" in ended.stderr
    report = last_json(ended)
    assert (report["documents"], report["pages"], report["skipped"]) == (3, 4, 0)
    assert [failure["file"] for failure in report["failed"]] == [str(files / "notes.pdf")]
    with PagelensClient(address) as client:
        found = sorted((document.name, *document.tags) for document in client.list_documents())
    assert found == [("bakery.pdf", "town"), ("harbour.pdf", "town"), ("harbour.pdf", "town")]
    outcomes = {file["path"]: file["outcome"] for file in report["files"]}
    assert outcomes.pop(str(files / "notes.pdf")) == "refused"
    assert set(outcomes.values()) == {"added"}
    again = run_pagelens("ingest", str(files), "--library", str(folder), "--json")
    assert last_json(again)["skipped"] == 3
    # A new version of one of the two replaces that one.
    write_text_pdf(files / "old" / "harbour.pdf", "The fees of two years", "before this one")
    changed = run_pagelens("ingest", str(files), "--library", str(folder), "--json")
    assert (last_json(changed)["documents"], last_json(changed)["skipped"]) == (1, 2)
    with PagelensClient(address) as client:
        pages = sorted((document.name, document.pages) for document in client.list_documents())
    assert pages == [("bakery.pdf", 1), ("harbour.pdf", 2), ("harbour.pdf", 2)]


def test_the_server_is_asked_by_the_other_commands(served_library, tmp_path):
    folder, _ = served_library
    library = ["--library", str(folder)]
    bread = write_text_pdf(tmp_path / "bakery.pdf", "Rye bread and plum cake")
    assert run_pagelens("ingest", str(bread), *library).returncode == 0
    found = run_pagelens("search", "Who bakes rye bread?", *library)
    assert "  1. bakery.pdf, page 1  score 1.00  matched: " in found.stdout
    saved = run_pagelens("backup", str(tmp_path / "saved.tar.gz"), *library)
    assert saved.stdout.startswith("Saved 1 document (1 page) in "), saved.stderr
    assert (
        run_pagelens("delete", "bakery.pdf", *library).stdout == "Deleted bakery.pdf (1 pages).\n"
    )
    assert "no page found" in run_pagelens("search", "rye bread", *library).stdout
    restored = restore_library(tmp_path / "saved.tar.gz", tmp_path / "restored", lambda _: None)
    assert (restored.documents, restored.pages) == (1, 1)
    assert not list(folder.glob(f"{SAVING}*"))
    refused = run_pagelens("doctor", *library)
    assert refused.returncode == 4
    assert "(`pagelens serve`, since" in refused.stderr
