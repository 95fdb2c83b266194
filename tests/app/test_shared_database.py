"""A library whose documents are in a PostgreSQL database."""

import os

import pytest
from pydantic import SecretStr

from app.library import Library
from app.settings import load_settings
from ingest.documents import Documents
from retrieval.errors import InvalidSetting, LibraryMismatch
from tests.documents import write_text_pdf
from tests.postgres import PASSWORD
from tests.terminal import last_json, run_pagelens


def silent(progress):
    pass


def test_a_library_lives_in_a_database_and_its_folder(tmp_path, database_url, monkeypatch):
    folder = tmp_path / "library"
    harbour = write_text_pdf(tmp_path / "harbour.pdf", "The harbour master collects mooring fees.")
    (tmp_path / "bad.pdf").touch()
    with Library(load_settings(library=folder, database_url=database_url)) as library:
        assert library.ingest([harbour, tmp_path / "bad.pdf"], silent).documents == 1
        assert library.search("mooring fees", 1).hits[0].document == "harbour.pdf"
        # Another process may ask all the while.
        monkeypatch.setenv("PAGELENS_DATABASE_URL", database_url)
        status = last_json(run_pagelens("status", "--json", "--library", folder))
        assert (status["documents"], status["pages"], status["failed"]) == (1, 1, 1)
        assert PASSWORD not in repr(library.__dict__) + repr(load_settings())
    assert not (folder / "pagelens.sqlite").exists()
    assert last_json(run_pagelens("delete", "harbour.pdf", "--json", "--library", folder))
    assert last_json(run_pagelens("status", "--json", "--library", folder))["documents"] == 0
    with pytest.raises(LibraryMismatch, match="another library"):
        Library(load_settings(library=tmp_path / "new"))


def test_a_server_that_is_down_is_one_line_on_the_command_line(tmp_path, monkeypatch):
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "pagelens.postgresql").write_text("0123456789abcdef\n")
    url = f"postgresql://pagelens:{PASSWORD}@127.0.0.1:1/pagelens"
    ended = run_pagelens("status", "--library", folder)
    assert (ended.returncode, "PAGELENS_DATABASE_URL is not set" in ended.stderr) == (6, True)
    monkeypatch.setenv("PAGELENS_DATABASE_URL", url)
    ended = run_pagelens("status", "--library", folder)
    assert ended.returncode == 7
    first, _ = ended.stderr.splitlines()
    assert first.startswith("pagelens: the PostgreSQL database pagelens at 127.0.0.1:1: ")
    assert "Traceback" not in ended.stderr
    assert PASSWORD not in ended.stdout + ended.stderr


def test_an_evaluation_leaves_the_database_to_the_library(tmp_path, database_url, monkeypatch):
    corpus = tmp_path / "set" / "corpus"
    corpus.mkdir(parents=True)
    write_text_pdf(corpus / "harbour.pdf", "The harbour master collects mooring fees.")
    (tmp_path / "set" / "queries.jsonl").write_text('{"id": "q1", "text": "mooring fees"}\n')
    (tmp_path / "set" / "qrels.tsv").write_text(
        "query-id\tfile\tpage\trelevance\nq1\tharbour.pdf\t1\t1\n"
    )
    monkeypatch.setenv("PAGELENS_DATABASE_URL", database_url)
    ended = run_pagelens("evaluate", tmp_path / "set", "--json")
    assert last_json(ended)["metrics"]["recall@1"] == 1
    (tmp_path / "library").mkdir()
    # It is still no one's.
    Documents(tmp_path / "library", SecretStr(database_url)).close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:{}@host/pagelens",
        "postgresql+asyncpg://user:{}@host/pagelens",
        "postgresql://user:{}@host",
        "postgresql://user:{}@host:port/pagelens",
        "postgresql://user:p@{}@host/pagelens",
        "postgresql://us/er:{}@host/pagelens",
        "postgresql://user:{}@host/page lens",
        "{}",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_unread(url, monkeypatch):
    monkeypatch.setitem(os.environ, "PAGELENS_DATABASE_URL", url.format(PASSWORD))
    with pytest.raises(InvalidSetting, match="PAGELENS_DATABASE_URL") as refused:
        load_settings()
    assert "such as postgresql://" in str(refused.value)
    assert PASSWORD not in str(refused.value) + str(refused.value.__cause__)


def test_a_password_may_hold_anything_that_is_written_as_urls_do():
    url = f"postgresql://user:%40%2F%3A{PASSWORD}@db.example.org:5432/pagelens?sslmode=require"
    settings = load_settings(database_url=url)
    assert settings.database_url.get_secret_value() == url
    assert PASSWORD not in repr(settings)
