import pytest

from tests.terminal import serve


@pytest.fixture
def served_library(tmp_path):
    """A folder, and the address that a process serves it at."""
    with serve(tmp_path / "library") as address:
        yield tmp_path / "library", address
