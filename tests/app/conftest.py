import pytest

from tests.terminal import serve_pagelens


@pytest.fixture
def served_library(tmp_path):
    """A folder, and the address that a process serves it at."""
    with serve_pagelens(tmp_path / "library") as server:
        yield tmp_path / "library", server.address
