"""Runs Pagelens and small scripts as a user's machine does: in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


TIMEOUT_S = 120


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
