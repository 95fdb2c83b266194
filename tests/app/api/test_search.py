"""Search over HTTP: the answers of `pagelens search --json`, asked another way."""

import io
import json
from http.client import HTTPConnection

import pytest
from PIL import Image

from tests.app.api.asking import error_of
from tests.documents import draw_photo
from tests.terminal import last_json, run_pagelens

QUESTION = "Who collects the mooring fees?"

# More than there are threads for requests.
MANY_SEARCHES = 60


def png_bytes(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def without_time(answer):
    return {key: value for key, value in answer.items() if key != "seconds"}


def test_an_answer_is_the_one_that_the_command_line_prints(served):
    printed = last_json(
        run_pagelens(
            "search", QUESTION, "--top-k", "2", "--tag", "town", "--group", "--context",
            "--json", "--library", served.unserved_copy,
        )
    )  # fmt: skip
    asked = {"question": QUESTION, "limit": 2, "tags": ["town"], "group": True, "context": True}
    answered = served.http.post("/api/v1/search", json=asked).json()
    assert without_time(answered) == without_time(printed)
    assert answered["hits"][0]["document"] == "harbour.pdf"
    plain = served.http.post("/api/v1/search", json={"question": QUESTION}).json()
    assert plain.keys() == {"query", "hits", "good_match", "seconds"}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"documents": ["bakery.pdf"]}, {"bakery.pdf"}),
        ({"documents": ["harbour.pdf"], "first_page": 2, "last_page": 2}, {"harbour.pdf"}),
        ({"tags": ["elsewhere"]}, set()),
        ({"kind": "photo"}, {"dusk.png"}),
        ({"added_from": "2100-01-01"}, set()),
        ({"added_until": "2000-01-01"}, set()),
        ({"mode": "text"}, {"harbour.pdf"}),
        ({"mode": "visual", "exact": True, "limit": 1}, {"harbour.pdf"}),
    ],
    ids=str,
)
def test_filters_and_modes_are_those_of_the_command_line(served, filters, found):
    asked = {"question": "mooring fees", "limit": 3, **filters}
    answer = served.http.post("/api/v1/search", json=asked).json()
    assert {hit["document"] for hit in answer["hits"]} == found


def test_pages_like_a_page_or_a_region_of_it_are_found(served):
    like = {"document_id": served.find("harbour.pdf"), "page": 2}
    for region in (None, [0, 0, 1, 0.3]):
        asked = {"like": like if region is None else {**like, "region": region}}
        answer = served.http.post("/api/v1/search", json=asked).json()
        assert answer["query"] == "like harbour.pdf, page 2"
        assert answer["hits"]
        assert like not in [
            {"document_id": h["document_id"], "page": h["page"]} for h in answer["hits"]
        ]


def test_what_is_like_an_uploaded_picture_is_found(served):
    answer = served.http.post(
        "/api/v1/search/image",
        params={"limit": 1, "kind": "photo"},
        files={"picture": ("evening.png", png_bytes(draw_photo((160, 120))))},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["query"] == "evening.png"
    assert [hit["document"] for hit in answer.json()["hits"]] == ["dusk.png"]
    assert not any(path.is_dir() for path in served.library.upload_folder.iterdir())


def test_a_picture_that_is_none_is_refused_by_the_name_it_was_sent_under(served):
    answer = served.http.post("/api/v1/search/image", files={"picture": ("a.png", b"no picture")})
    assert answer.status_code == 422
    assert error_of(answer)["message"].startswith("a.png: not a PDF, a picture or an office file")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"question": "  "},
        {"question": "a", "like": {"document_id": "0" * 64}},
        {"question": "a", "limit": 0},
        {"question": "a", "limit": 101},
        {"question": "a", "mode": "magic"},
        {"question": "a", "first_page": 3, "last_page": 2},
        {"question": "a", "added_from": "2026-02-01", "added_until": "2026-01-01"},
        {"question": "a", "colour": "red"},
        {"question": "a" * 2001},
        {"question": "a\0"},
        {"like": {"document_id": "harbour.pdf"}},
        {"like": {"document_id": "0" * 64, "region": [0.5, 0, 0.4, 1]}},
        {"like": {"document_id": "0" * 64}, "mode": "text"},
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_refused(served, asked):
    answer = served.http.post("/api/v1/search", json=asked)
    assert answer.status_code == 422
    assert error_of(answer)["type"] == "InvalidRequest"


def test_unknown_documents_are_not_found(served):
    for asked in (
        {"question": "a", "documents": ["nobody.pdf"]},
        {"like": {"document_id": "0" * 64}},
        {"like": {"document_id": served.find("harbour.pdf"), "page": 3}},
    ):
        answer = served.http.post("/api/v1/search", json=asked)
        assert answer.status_code == 404
        assert error_of(answer)["type"] == "UnknownDocument"


def test_whoever_searches_holds_up_nobody_else(served):
    host, port = served.http.base_url.host, served.http.base_url.port
    # Without the reranker, which would take most of the time.
    body = json.dumps({"question": QUESTION, "mode": "visual"})
    searches = [HTTPConnection(host, port, timeout=60) for _ in range(MANY_SEARCHES)]
    # Every search writes down its question; here it has to wait for that.
    with served.library._documents.database._writing:
        for search in searches:
            search.request("POST", "/api/v1/search", body, {"Content-Type": "application/json"})
        for route in ("/health", "/ready", "/api/v1/documents"):
            assert served.http.get(route, timeout=10).status_code == 200
    assert {search.getresponse().status for search in searches} == {200}
