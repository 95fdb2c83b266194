"""The typed client, against a real server."""

import socket

import pytest

from app.api.bodies import LikeBody, SearchBody
from app.client import PagelensClient
from app.settings import Settings
from ingest.jobs import JobState
from retrieval.errors import (
    AccessDenied,
    InvalidRequest,
    ServerUnreachable,
    TooManyUploads,
    UnknownDocument,
    UnreadableFile,
)
from tests.app.api.serving import serve
from tests.documents import write_text_pdf
from tests.terminal import run_python

KEY = "key-of-the-client"


@pytest.fixture
def client(receiving):
    with PagelensClient(str(receiving.http.base_url)) as client:
        yield client


def test_files_are_handed_over_followed_found_shown_and_deleted(client, tmp_path):
    whole = write_text_pdf(tmp_path / "bell.pdf", "The bell of the chapel weighs two tons.")
    broken = tmp_path / "broken.pdf"
    broken.write_text("no PDF")
    done, failed = client.upload([whole, broken], tags=["chapel"])
    seen = []
    done = client.wait(done, seen.append)
    assert seen[-1] == done == client.find_job(done.job_id)
    assert (done.state, done.pages, done.tags) == (JobState.DONE, 1, ["chapel"])
    assert client.wait(failed).state == JobState.FAILED

    answer = client.search(SearchBody(question="How heavy is the bell?", tags=["chapel"]))
    assert [hit.document for hit in answer.hits] == ["bell.pdf"]
    like = SearchBody(like=LikeBody(document_id=done.document_id, page=1), limit=2)
    assert len(client.search(like).hits) == 2
    assert client.show_page(done.document_id, 1).startswith(b"RIFF")
    sharp = client.show_page(done.document_id, 1, width_px=1600)
    assert len(sharp) > len(client.show_page(done.document_id, 1))
    said = client.read_words(done.document_id, 1)
    assert " ".join(word.text for word in said.words).startswith("The bell of the chapel")
    assert client.describe_document(done.document_id).page_details[0].page == 1
    assert client.read_status().documents == len(client.list_documents()) == 4

    assert client.write_tags(done.document_id, ["bells"]).tags == ["bells"]
    assert "bells" in [tag.tag for tag in client.list_tags()]
    assert client.wait(client.reindex(done.document_id)).state is JobState.DONE

    client.delete(done.document_id)
    assert "bell.pdf" not in [document.name for document in client.list_documents()]


def test_what_the_server_refuses_is_raised_as_the_error_it_names(client, tmp_path):
    for ask in (client.describe_document, client.delete):
        with pytest.raises(UnknownDocument, match="000"):
            ask("0" * 64)
    with pytest.raises(UnknownDocument, match="picture of page 9"):
        client.show_page(client.list_documents()[0].document_id, 9)
    with pytest.raises(InvalidRequest, match="job_id"):
        client.find_job("no id")
    with pytest.raises(UnreadableFile, match=r"gone\.pdf: cannot be read"):
        client.upload([tmp_path / "gone.pdf"])


def test_a_client_brings_the_key_or_the_password(receiving):
    settings = Settings(library=receiving.library.folder, api_key=KEY)
    with serve(receiving.library, settings) as address:
        for credentials in ({"api_key": KEY}, {"login": ("anybody", KEY)}):
            with PagelensClient(address, **credentials) as client:
                assert client.read_status().documents == 3
        with PagelensClient(address, api_key="wrong") as client, pytest.raises(AccessDenied):
            client.read_status()


def test_a_client_waits_where_the_server_takes_no_more_for_now(receiving, tmp_path, monkeypatch):
    path = tmp_path / "one.pdf"
    path.write_text("no PDF")
    waited = []
    monkeypatch.setattr("app.client.sleep", waited.append)
    settings = Settings(library=receiving.library.folder, uploads_per_minute=1)
    with serve(receiving.library, settings) as address, PagelensClient(address) as client:
        client.upload([path])
        with pytest.raises(TooManyUploads):
            client.upload([path])
    assert len(waited) == 9
    assert all(1 <= wait_s <= 60 for wait_s in waited)


def test_where_nobody_listens_the_address_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with PagelensClient(address) as client, pytest.raises(ServerUnreachable, match=address):
        client.read_status()


def test_a_client_loads_no_model_and_no_index():
    ended = run_python(
        "-c",
        "import sys, app.client\n"
        "print({'torch', 'transformers', 'gradio', 'qdrant_edge', 'fastapi'} & set(sys.modules))",
    )
    assert ended.stdout.strip() == "set()", ended.stderr
