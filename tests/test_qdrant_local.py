"""Several processes on one index of the server that stands in for Qdrant in the tests."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from retrieval.errors import IndexServerFailed
from retrieval.index.connection import connect
from retrieval.index.server import QdrantIndex, ServerOptions
from tests.qdrant_local import serve_local_qdrant
from tests.retrieval.test_index_contract import LAYOUT

# Both make the collection, the space of photos, and pages of their own beside one they share.
PROGRAM = """
import sys
from retrieval.index.connection import connect
from retrieval.index.server import QdrantIndex, ServerOptions
from tests.retrieval.test_index_contract import LAYOUT, make_page, make_photo
url, name = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
index = QdrantIndex(connect(url), "pages", LAYOUT, ServerOptions(url))
for i in range(20):
    index.upsert([make_page(name, i, seed=i), make_page("shared", i, seed=i)])
index.upsert([make_photo(f"photo-{name}", 1)])
index.upsert([make_page(f"gone-{name}")])
index.delete_documents([f"gone-{name}"])
index.close()
"""


def test_two_processes_that_write_at_once_lose_and_double_nothing():
    with serve_local_qdrant() as url:
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, url, name],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in ("first", "second")
        ]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in writers:
            writer.communicate(timeout=120)
            assert writer.returncode == 0
        with closing(QdrantIndex(connect(url), "pages", LAYOUT, ServerOptions(url))) as index:
            names = ("first", "second", "shared")
            expected = {(name, i) for name in names for i in range(20)}
            expected |= {("photo-first", 0), ("photo-second", 0)}
            assert index.list_pages() == expected
            assert index.count() == len(expected)
            assert all(page is not None for page in index.fetch([("first", 3), ("second", 3)]))


def test_what_is_refused_is_told_as_a_server_tells_it():
    with serve_local_qdrant() as url, closing(connect(url)) as client:
        index = QdrantIndex(client, "pages", LAYOUT, ServerOptions(url))
        client.delete_collection("pages")
        with pytest.raises(IndexServerFailed, match="HTTP 404: Collection pages not found"):
            index.count()
