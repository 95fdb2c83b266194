"""What only the embedded index is about: files, and the processes that hold them."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import IndexFailed
from retrieval.index.edge import EdgeIndex
from tests.retrieval.test_index_contract import LAYOUT, make_page
from tests.terminal import run_python


def run_in_another_process(script: str, folder: Path):
    setup = (
        "import os, signal\nfrom pathlib import Path\n"
        "from tests.retrieval.test_edge_index import *\n"
        f"folder = Path({json.dumps(str(folder))})\n"
    )
    return run_python("-c", setup + script)


def test_stored_pages_survive_a_process_that_is_killed(tmp_path):
    ended = run_in_another_process(
        "index = EdgeIndex(folder, LAYOUT)\n"
        "index.upsert([make_page('doc', i, seed=i) for i in range(5)])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n",
        tmp_path / "index",
    )
    assert ended.returncode == -9, ended.stderr
    with closing(EdgeIndex(tmp_path / "index", LAYOUT)) as index:
        assert index.count() == 5
        (stored,) = index.fetch([("doc", 4)])
    np.testing.assert_array_equal(stored.vectors, make_page("doc", 4, seed=4).embedding.vectors)


def test_a_second_process_cannot_open_it(tmp_path):
    with closing(EdgeIndex(tmp_path / "index", LAYOUT)) as index:
        index.upsert([make_page("doc")])
        ended = run_in_another_process(
            "try:\n    EdgeIndex(folder, LAYOUT)\nexcept IndexFailed as error:\n"
            "    print('refused:', error)\n",
            tmp_path / "index",
        )
        assert ended.stdout.startswith("refused: could not open the index"), ended.stderr
        assert index.count() == 1


def test_a_folder_that_is_no_index_is_refused_as_a_failed_index(tmp_path):
    (tmp_path / "edge_config.json").write_text("not an index")
    with pytest.raises(IndexFailed, match="could not open the index"):
        EdgeIndex(tmp_path, LAYOUT)
