"""Runs Pagelens and small scripts as a user's machine does: in processes of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

TIMEOUT_S = 120
STOP_S = 30

ADDRESS = re.compile(r"^Pagelens is at (http://127\.0\.0\.1:\d+) ")


def run_pagelens(
    *arguments: str | Path, timeout_s: int = TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "app", *map(str, arguments), timeout_s=timeout_s)


def run_python(*arguments: str, timeout_s: int = TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout_s
    )


def last_json(ended: subprocess.CompletedProcess[str]) -> Any:
    """What the last line of standard output says."""
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@contextmanager
def serve(library: Path) -> Iterator[str]:
    """Yields the address that a process of its own serves a library at."""
    environment = {key: v for key, v in os.environ.items() if not key.startswith("PAGELENS_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0", "--library", str(library)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdout is not None
    try:
        while not (announced := ADDRESS.match(line := process.stdout.readline())):
            assert line, "it ended before it served"
        yield announced[1]
    finally:
        process.terminate()
        assert process.wait(STOP_S) == 0
