"""The finished comparisons of a library over the API, and what a browser may do with a report."""

from datetime import datetime, timezone

import pytest

from app.comparing import ComparedVariant, FinishedComparison, keep_comparison
from tests.app.api.asking import error_of

WAYS = {"modes": ["text", "visual"]}
REPORT = "<!doctype html><style>p { color: red }</style><p>hybrid: better</p>"


def finish(day: int) -> FinishedComparison:
    return FinishedComparison(
        name=f"2026-11-{day:02}-120000",
        title="town",
        made_at=datetime(2026, 11, day, 12, tzinfo=timezone.utc),
        n_questions=131,
        variants=(ComparedVariant("hybrid", "0.702 [0.634, 0.765]", "better than text"),),
    )


@pytest.fixture
def kept(receiving):
    """A server whose library keeps two comparisons."""
    for day in (25, 26):
        keep_comparison(receiving.library.folder, finish(day), REPORT)
    yield receiving
    for path in (receiving.library.folder / "comparisons").iterdir():
        path.unlink()


def test_a_library_without_comparisons_lists_none(receiving):
    assert receiving.http.get("/api/v1/comparisons").json() == {"comparisons": [], "total": 0}


def test_comparisons_are_listed_newest_first(kept):
    told = kept.http.get("/api/v1/comparisons").json()
    assert told["total"] == 2
    newest, older = told["comparisons"]
    assert (newest["name"], older["name"]) == ("2026-11-26-120000", "2026-11-25-120000")
    assert newest["made_at"] == "2026-11-26T12:00:00Z"
    assert newest["n_questions"] == 131
    assert newest["variants"] == [
        {"name": "hybrid", "score": "0.702 [0.634, 0.765]", "verdict": "better than text"}
    ]


def test_a_report_is_shown_and_may_load_and_run_nothing(kept):
    answer = kept.http.get("/api/v1/comparisons/2026-11-26-120000")
    assert answer.text == REPORT
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = set(answer.headers["content-security-policy"].split("; "))
    # Its own look and pictures, and no more.
    assert policy == {
        "default-src 'none'",
        "frame-ancestors 'none'",
        "sandbox",
        "style-src 'unsafe-inline'",
        "img-src data:",
    }


@pytest.mark.parametrize(
    ("name", "status"),
    [("2026-11-27-120000", 404), ("..%2fpagelens", 404), ("report", 422)],
)
def test_another_name_is_refused(kept, name, status):
    answer = kept.http.get(f"/api/v1/comparisons/{name}")
    assert answer.status_code == status
    if name[0] == "2":
        assert error_of(answer)["type"] == "UnknownComparison"


def test_a_library_without_questions_says_so(receiving):
    refused = receiving.http.post("/api/v1/comparisons", json=WAYS)
    assert (refused.status_code, error_of(refused)["type"]) == (409, "NoQuestions")
    receiving.library.mark_page("Where is rye bread sold?", "bakery.pdf", 0)
    refused = receiving.http.post("/api/v1/comparisons", json=WAYS)
    assert error_of(refused)["message"] == (
        "a comparison takes two questions or more, and there is one"
    )
    receiving.library.unmark_page("Where is rye bread sold?", "bakery.pdf", 0)
