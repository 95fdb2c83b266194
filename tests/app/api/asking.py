"""What tests of several routes ask for."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.backup import SAVING
from app.library import Library
from tests.documents import write_text_pdf

WAIT_S = 60


def upload(http: httpx.Client, content: bytes, name: str, **fields: Any) -> dict[str, Any]:
    """Uploads a file and waits for the end of its job, by its events."""
    answer = http.post("/api/v1/documents", files={"files": (name, content)}, data=fields)
    assert answer.status_code == 202, answer.text
    (job,) = answer.json()["jobs"]
    return follow(http, job["job_id"])[-1]


def follow(http: httpx.Client, job_id: str) -> list[dict[str, Any]]:
    """Every state of a job that its stream tells, up to the last."""
    with http.stream("GET", f"/api/v1/jobs/{job_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line.partition(":") for line in stream.iter_lines()]
    return [json.loads(value) for name, _, value in lines if name == "data"]


def pdf_bytes(folder: Path, *pages: str) -> bytes:
    """A PDF of these pages."""
    return write_text_pdf(folder / "new.pdf", *pages).read_bytes()


def error_of(answer: httpx.Response) -> dict[str, str]:
    """The error that an answer holds, in the one shape that there is."""
    content = answer.json()
    assert content.keys() == {"error"}, content
    assert content["error"].keys() == {"type", "message", "remedy"}
    assert answer.headers["content-type"] == "application/json"
    return content["error"]


def saving_folders(library: Library) -> list[Path]:
    """Where archives are that are on their way."""
    return list(library.folder.glob(f"{SAVING}*"))


def wait_until_removed(library: Library) -> None:
    """The answer may be read before the server has done with it."""
    for _ in range(WAIT_S * 20):
        if not saving_folders(library):
            return
        threading.Event().wait(0.05)
    pytest.fail("the archive was not removed")
