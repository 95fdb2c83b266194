"""A read-only server: whatever would change the library is refused at the door."""

import re

import httpx
import pytest

from app.library import Library
from app.settings import Settings
from tests.app.api.asking import error_of
from tests.app.api.serving import serve
from tests.documents import draw_photo, encode_image
from tests.libraries import copy_library


@pytest.fixture(scope="module")
def read_only(library_folder, tmp_path_factory):
    """A server that is read-only, and the id of one of its documents."""
    folder = tmp_path_factory.mktemp("read-only") / "library"
    copy_library(library_folder, folder)
    settings = Settings(library=folder, read_only=True)
    with (
        Library(settings) as library,
        serve(library, settings) as address,
        httpx.Client(base_url=f"{address}/api/v1", trust_env=False, timeout=60) as http,
    ):
        yield http, library.find_document("bakery.pdf").document_id


CHANGES = [
    ("POST", "/documents"),
    ("POST", "/documents/"),
    ("DELETE", "/documents/ID"),
    ("PUT", "/documents/ID/tags"),
    ("POST", "/documents/ID/reindex"),
    ("POST", "/jobs/retry"),
    *(("POST", f"/jobs/any/{verb}") for verb in ("cancel", "pause", "resume", "retry")),
    ("DELETE", "/jobs/any"),
    ("POST", "/questions"),
    ("PATCH", "/questions/question"),
    ("DELETE", "/questions/question"),
    *(("POST", f"/questions/{verb}") for verb in ("mark", "import", "propose")),
    ("DELETE", "/questions/propose"),
    ("GET", "/questions/export"),
    ("POST", "/comparisons"),
    ("DELETE", "/comparisons/run"),
    ("GET", "/backup"),
    ("POST", "/migrations"),
    *(("POST", f"/migrations/{verb}") for verb in ("switch", "roll-back", "drop-old")),
]


# What stands for an id of each kind.
NAMES = {"ID": "{document_id}", "any": "{job_id}", "question": "{question_id}"}
NAMED = re.compile(rf"(?<=/)({'|'.join(NAMES)})(?=/|$)")


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_change_is_refused(read_only, method, path):
    http, id_ = read_only
    answer = http.request(method, path.replace("ID", id_))
    assert answer.status_code == 403
    error = error_of(answer)
    assert error["type"] == "ReadOnlyLibrary"
    assert error["message"] == "this library is read-only: it can be searched and looked at"
    assert "PAGELENS_READ_ONLY" in error["remedy"]


def test_every_route_that_is_not_refused_only_reads(read_only):
    http, _ = read_only
    described = http.get("/openapi.json").json()["paths"]
    changing = {
        (method.upper(), path)
        for path, methods in described.items()
        for method in methods
        if method != "get" and not path.startswith(("/search", "/ask"))
    }
    refused = {
        (method, NAMED.sub(lambda found: NAMES[found[0]], path).rstrip("/"))
        for method, path in CHANGES
    }
    assert changing <= refused


def test_everything_can_be_found_and_looked_at(read_only):
    http, id_ = read_only
    found = http.post("/search", json={"question": "Who sells rye bread?"}).json()["hits"]
    assert found[0]["document_id"] == id_
    picture = {"picture": ("sky.png", encode_image(draw_photo(), "PNG"))}
    assert http.post("/search/image", files=picture).json()["hits"][0]["document"] == "dusk.png"
    for path in ("", "/original", "/pages/1/image?width=1600", "/pages/1/words"):
        assert http.get(f"/documents/{id_}{path}").status_code == 200
    assert http.get("/jobs").status_code == 200
