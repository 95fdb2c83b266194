import os
import re
import subprocess
import sys

import pytest

ADDRESS = re.compile(r"^Pagelens is at (http://127\.0\.0\.1:\d+) ")
STOP_S = 30


@pytest.fixture
def served_library(tmp_path):
    """A folder, the address it is served at, and the process that serves it."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--library"]
    environment = {key: v for key, v in os.environ.items() if not key.startswith("PAGELENS_")}
    process = subprocess.Popen(
        [*command, str(tmp_path / "library")], stdout=subprocess.PIPE, env=environment, text=True
    )
    try:
        while not (announced := ADDRESS.match(line := process.stdout.readline())):
            assert line, "it ended before it served"
        yield tmp_path / "library", announced[1]
    finally:
        process.terminate()
        assert process.wait(STOP_S) == 0
