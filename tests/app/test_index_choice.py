"""A library's index is in its folder or on a Qdrant server, and stays where it was made."""

import re
import socket
from contextlib import closing

import pytest

from app.index_choice import open_index
from app.library_status import read_status
from app.settings import load_settings
from ingest.database import LIBRARY_ID
from ingest.documents import FIRST_SPACE, Documents
from ingest.space_settings import SpaceSettings
from retrieval.errors import IndexMismatch, InvalidSetting
from retrieval.index.base import IndexLayout, VectorStorage
from retrieval.index.edge import EdgeIndex
from retrieval.index.server import QdrantIndex
from tests.documents import draw_lines
from tests.libraries import copy_library
from tests.qdrant_answers import Answers, describe_collection, serve_answers
from tests.terminal import last_json, run_pagelens

LAYOUT = IndexLayout(32, "test-encoder@1", VectorStorage.FLOAT16)
OWNER = "0123456789abcdef0123456789abcdef"
COLLECTION = "pagelens-0123456789ab"
KEY = "a-key-that-nobody-may-read"


@pytest.fixture
def answers():
    with serve_answers(Answers()) as answers:
        for name in (COLLECTION, "shared"):
            describe_collection(answers, name, LAYOUT, OWNER, exists=False)
        yield answers


@pytest.fixture
def open_library_index(tmp_path):
    """Opens and closes the index of one library, with settings; gives what it was."""
    folder = tmp_path / "library"
    folder.mkdir()
    with closing(Documents(folder)) as documents:
        documents.write_setting(LIBRARY_ID, OWNER)

    def open_once(folder=folder, **settings):
        with (
            closing(Documents(folder)) as documents,
            closing(
                open_index(
                    load_settings(library=folder, **settings),
                    SpaceSettings(documents, FIRST_SPACE),
                    LAYOUT,
                )
            ) as index,
        ):
            return index

    open_once.folder = folder
    return open_once


def test_without_a_server_the_index_is_in_the_folder(open_library_index):
    assert isinstance(open_library_index(), EdgeIndex)
    assert (open_library_index.folder / "index").is_dir()
    assert read_status(open_library_index.folder).collection is None


def test_with_a_server_the_folder_has_no_index_and_the_status_says_where_it_is(
    open_library_index, answers
):
    folder = open_library_index.folder
    assert isinstance(open_library_index(qdrant_url=answers.url), QdrantIndex)
    assert not (folder / "index").exists()
    assert read_status(folder).collection == COLLECTION
    told = run_pagelens("status", "--library", folder).stdout
    assert f"The index is the collection {COLLECTION} of a Qdrant server" in told
    assert "not counted" in told
    status = last_json(run_pagelens("status", "--json", "--library", folder))
    assert status["collection"] == COLLECTION


def test_a_library_keeps_its_collection_where_ever_its_folder_goes(
    open_library_index, answers, tmp_path
):
    open_library_index(qdrant_url=answers.url)
    describe_collection(answers, COLLECTION, LAYOUT, OWNER, exists=True)
    copy_library(open_library_index.folder, tmp_path / "moved")
    answers.asked.clear()
    open_library_index(tmp_path / "moved", qdrant_url=answers.url)
    assert f"GET /collections/{COLLECTION}" in answers.paths
    assert f"PUT /collections/{COLLECTION}" not in answers.paths


def test_a_collection_can_be_named_once_and_not_renamed(open_library_index, answers):
    open_library_index(qdrant_url=answers.url, qdrant_collection="shared")
    assert read_status(open_library_index.folder).collection == "shared"
    describe_collection(answers, "shared", LAYOUT, OWNER, exists=True)
    open_library_index(qdrant_url=answers.url)
    with pytest.raises(IndexMismatch, match="collection shared, not other"):
        open_library_index(qdrant_url=answers.url, qdrant_collection="other")


def test_a_library_on_a_server_is_not_opened_without_it(open_library_index, answers):
    open_library_index(qdrant_url=answers.url)
    with pytest.raises(IndexMismatch, match=rf"{COLLECTION}.*PAGELENS_QDRANT_URL is not set"):
        open_library_index()
    assert not (open_library_index.folder / "index").exists()


def test_a_library_in_a_folder_is_not_opened_on_a_server(open_library_index, answers):
    open_library_index()
    with pytest.raises(IndexMismatch, match=f"in its folder, not on.*{re.escape(answers.url)}"):
        open_library_index(qdrant_url=answers.url)
    assert answers.asked == []


def test_a_collection_that_is_gone_is_missed_and_not_made_empty(open_library_index, answers):
    open_library_index(qdrant_url=answers.url)
    answers.asked.clear()
    with pytest.raises(IndexMismatch, match=f"no collection {COLLECTION} at {answers.url}"):
        open_library_index(qdrant_url=answers.url)
    assert all(method == "GET" for method, *_ in answers.asked)


def test_on_the_command_line_a_server_that_is_down_is_one_line(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("PAGELENS_QDRANT_URL", f"https://127.0.0.1:{port}")
    monkeypatch.setenv("PAGELENS_QDRANT_API_KEY", KEY)
    draw_lines(["a card"]).save(tmp_path / "card.png")
    ended = run_pagelens("ingest", tmp_path / "card.png", "--library", tmp_path / "library")
    assert ended.returncode == 7
    (line,) = [line for line in ended.stderr.splitlines() if f"127.0.0.1:{port}" in line]
    assert "no Qdrant server answers" in line
    assert "Traceback" not in ended.stderr
    assert KEY not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "url", ["localhost:6333", "ftp://host", "http://user:secret@host", "http://"]
)
def test_an_address_that_cannot_be_meant_is_refused(url):
    with pytest.raises(InvalidSetting, match="PAGELENS_QDRANT_URL") as refused:
        load_settings(qdrant_url=url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["two words", f"{KEY}\n", "schlüssel", ""])
def test_a_key_that_no_header_can_carry_is_refused_unread(key):
    with pytest.raises(InvalidSetting, match="PAGELENS_QDRANT_API_KEY") as refused:
        load_settings(qdrant_api_key=key)
    assert KEY not in str(refused.value)


def test_settings_do_not_show_the_key():
    assert KEY not in repr(load_settings(qdrant_api_key=KEY))
