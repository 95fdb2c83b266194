"""Copies of libraries, for tests that change one."""

import subprocess
from pathlib import Path


def copy_library(library: Path, copy: Path) -> Path:
    """Copies a folder and leaves its holes: an index reserves 300 MB, and holds a few.

    Returns:
        The copy.
    """
    subprocess.run(["cp", "--recursive", "--sparse=always", library, copy], check=True)
    return copy
