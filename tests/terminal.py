"""Runs Pagelens and small scripts as a user's machine does: in processes of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
ADDRESS = re.compile(r"^Pagelens is at (http://127\.0\.0\.1:\d+) ")

TIMEOUT_S = 120
STOP_S = 30


class PagelensServer(NamedTuple):
    """A `pagelens serve` at work, and the address that it has announced."""

    process: subprocess.Popen[str]
    address: str


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
def serve_pagelens(
    library: Path, *options: str, stop_s: float = STOP_S, **settings: object
) -> Iterator[PagelensServer]:
    """`pagelens serve` on a free port, in a process of its own, stopped when it is left.

    Args:
        library: the folder.
        options: of the command, such as `--demo`.
        stop_s: how long it may take to stop; then it is killed.
        settings: by their names, such as `uploads_per_minute`; none of the environment counts.

    Raises:
        AssertionError: it ends before it serves, or not as it should when it is stopped.
    """
    environment = {key: v for key, v in os.environ.items() if not key.startswith("PAGELENS_")}
    environment |= {f"PAGELENS_{name.upper()}": str(value) for name, value in settings.items()}
    command = [
        sys.executable,
        "-m",
        "app",
        "serve",
        "--port",
        "0",
        "--library",
        str(library),
        *options,
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, env=environment, text=True
    )
    try:
        while not (announced := ADDRESS.match(line := process.stdout.readline())):
            assert line, "it ended before it served"
        yield PagelensServer(process, announced[1])
    finally:
        process.terminate()
        try:
            assert process.wait(stop_s) == 0
        finally:
            process.kill()
