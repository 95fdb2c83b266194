"""Answers over HTTP, event by event."""

import json

import pytest

from tests.app.api.asking import error_of


def read_events(http, asked):
    """(name, data) of every event of an answer, to its end."""
    events = []
    with http.stream("POST", "/api/v1/ask", json=asked) as stream:
        assert stream.status_code == 200, stream.read()
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                events.append((value, None))
            elif field == "data":
                events[-1] = events[-1][0], json.loads(value)
    return events


def test_an_answer_is_quotes_of_the_pages_with_their_places(served):
    events = read_events(served.http, {"question": "Who collects the mooring fees?"})
    (first, pages), *quotes, (last, end) = events
    assert (first, last) == ("pages", "end")
    assert {name for name, _ in quotes} == {"quote"}
    assert (pages["generated"], pages["budget"]) == (False, None)
    best = quotes[0][1]
    assert best["text"].startswith("The harbour master collects mooring fees")
    assert (best["document"], best["page"], best["kind"]) == ("harbour.pdf", 1, "sentence")
    assert end["answered"]
    assert [(c["document"], c["page"]) for c in end["citations"]] == [("harbour.pdf", 1)]
    for x0, y0, x1, y1 in end["citations"][0]["boxes"]:
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1


def test_what_the_pages_do_not_hold_is_not_answered(served):
    events = read_events(served.http, {"question": "what is the plumbastic ratio of a snerp"})
    assert [name for name, _ in events] == ["pages", "end"]
    assert not events[-1][1]["answered"]
    assert events[-1][1]["citations"] == []


def test_filters_are_those_of_a_search(served):
    asked = {"question": "Who collects the mooring fees?", "documents": ["bakery.pdf"]}
    pages = read_events(served.http, asked)[0][1]["pages"]
    assert {page["document"] for page in pages} == {"bakery.pdf"}


@pytest.mark.parametrize(
    ("asked", "status", "type_"),
    [
        ({}, 422, "InvalidRequest"),
        ({"question": " "}, 422, "InvalidRequest"),
        ({"question": "a", "limit": 3}, 422, "InvalidRequest"),
        ({"question": "a", "first_page": 3, "last_page": 2}, 422, "InvalidRequest"),
        ({"question": "a", "documents": ["nobody.pdf"]}, 404, "UnknownDocument"),
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_refused_before_a_stream_begins(
    served, asked, status, type_
):
    answer = served.http.post("/api/v1/ask", json=asked)
    assert answer.status_code == status
    assert error_of(answer)["type"] == type_
