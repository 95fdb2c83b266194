"""Answers over HTTP, event by event."""

import json
import threading

import httpx
import pytest

from app.api.answer_bodies import AskBody, QuoteBody
from app.client import PagelensClient
from app.library import Library
from app.settings import Settings
from retrieval.errors import AnswerRateLimited, UnknownDocument
from tests.answer_server import serve_answers
from tests.app.api.asking import error_of
from tests.app.api.conftest import Served
from tests.app.api.serving import serve
from tests.libraries import copy_library


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


@pytest.fixture(scope="module")
def endpoint():
    with serve_answers() as server:
        yield server


@pytest.fixture(scope="module")
def written(library_folder, endpoint, tmp_path_factory):
    """A server whose answers an endpoint writes."""
    folder = tmp_path_factory.mktemp("written") / "library"
    copy_library(library_folder, folder)
    settings = Settings(library=folder, answer_url=endpoint.url, answer_model="seer")
    with (
        Library(settings) as library,
        serve(library, settings) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as http,
    ):
        yield Served(library, http, library_folder)


QUESTION = {"question": "Who collects the mooring fees?"}


def test_what_a_model_writes_comes_piece_by_piece(written, endpoint):
    endpoint.tell("The harbour", " master [harbour.pdf, p. 1]; see [evil.pdf, p. 1].")
    (first, pages), *texts, (last, end) = read_events(written.http, QUESTION)
    assert (first, last) == ("pages", "end")
    assert pages["generated"]
    assert pages["pages"][0]["label"] == "harbour.pdf, p. 1"
    used = pages["budget"]["text_tokens"] + pages["budget"]["picture_tokens"]
    assert 0 < used <= pages["budget"]["token_limit"]
    assert [(name, data["text"]) for name, data in texts] == [
        ("text", piece) for piece in endpoint.says
    ]
    assert [c["document"] for c in end["citations"]] == ["harbour.pdf"]


def test_a_failure_on_the_way_is_an_event_in_the_one_shape_of_errors(written, endpoint):
    endpoint.tell("Half an", breaks_off=True)
    events = read_events(written.http, QUESTION)
    assert [name for name, _ in events] == ["pages", "text", "error"]
    assert events[-1][1]["error"].keys() == {"type", "message", "remedy"}
    assert events[-1][1]["error"]["type"] == "AnswerFailed"


def test_who_waits_for_a_model_holds_up_no_search_and_who_leaves_ends_the_answer(written, endpoint):
    endpoint.tell("The", " end", pause=threading.Event())
    # More than there are turns for searches.
    waiting = [written.http.build_request("POST", "/api/v1/ask", json=QUESTION) for _ in range(6)]
    streams = [written.http.send(request, stream=True) for request in waiting]
    lines = [stream.iter_lines() for stream in streams]
    for each in lines:
        assert any("The" in line for line in each)
    found = written.http.post("/api/v1/search", json=QUESTION)
    assert found.json()["hits"][0]["document"] == "harbour.pdf"
    endpoint.heard_end.clear()
    streams[0].close()
    assert endpoint.heard_end.wait(20)
    assert endpoint.n_said == 6
    endpoint.pause.set()
    for stream, each in zip(streams[1:], lines[1:], strict=True):
        assert any("answered" in line for line in each)
        stream.close()


def test_the_client_gives_events_and_raises_what_the_server_refuses(served, written, endpoint):
    with PagelensClient(str(served.http.base_url)) as client:
        events = list(client.ask(AskBody(**QUESTION)))
        assert isinstance(events[1], QuoteBody)
        assert events[-1].answered
        with pytest.raises(UnknownDocument):
            list(client.ask(AskBody(**QUESTION, documents=["nobody.pdf"])))
    endpoint.tell("x", status=429)
    with PagelensClient(str(written.http.base_url)) as client:
        events = client.ask(AskBody(**QUESTION))
        assert next(events).generated
        with pytest.raises(AnswerRateLimited, match="no more requests"):
            next(events)


def test_the_description_names_what_is_asked_and_streamed(served):
    described = served.http.get("/api/v1/openapi.json").json()
    route = described["paths"]["/ask"]["post"]
    assert "text/event-stream" in route["responses"]["200"]["content"]
    assert "question" in described["components"]["schemas"]["AskBody"]["properties"]
    for name in ("AnswerPagesBody", "AnswerTextBody", "QuoteBody", "AnswerEndBody"):
        assert name in described["components"]["schemas"]
