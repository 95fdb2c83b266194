from pathlib import Path

import pytest

from tests.app.moving import MovingLibrary, make_library
from tests.libraries import copy_library
from tests.terminal import serve_pagelens


@pytest.fixture
def served_library(tmp_path):
    """A folder, and the address that a process serves it at."""
    with serve_pagelens(tmp_path / "library") as server:
        yield tmp_path / "library", server.address


@pytest.fixture(scope="session")
def moving(tmp_path_factory) -> MovingLibrary:
    """A library that may be moved to other encoders; copy it to change it."""
    return make_library(tmp_path_factory.mktemp("moving"))


@pytest.fixture
def copied(moving, tmp_path) -> Path:
    return copy_library(moving.folder, tmp_path / "library")
