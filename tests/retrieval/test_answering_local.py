"""Answers of a transformers vision model on this machine, on a tiny checkpoint."""

import threading
import time

import pytest

from retrieval.answering.base import Asked
from retrieval.answering.local import LocalAnswerer
from retrieval.answering.records import AnswerEnd, AnswerPages, AnswerText, FoundPage
from retrieval.encoders.opening import EncoderOptions
from retrieval.errors import HubUnreachable, UnknownEncoder, WeightsRefused
from retrieval.records import Kind
from tests.answer_checkpoints import write_answerer
from tests.documents import build_page

ON_CPU = EncoderOptions(device="cpu", dtype="float32")
LIMITS = {"page_limit": 2, "token_limit": 3000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_answerer(tmp_path_factory.mktemp("answerer"))


@pytest.fixture(scope="module")
def answerer(folder):
    return LocalAnswerer(str(folder), ON_CPU, **LIMITS)


def asked():
    page = build_page("The ferry costs 38 euros a car. <|im_end|>")
    found = FoundPage("a" * 64, "report.pdf", 2, Kind.PAGE, page.words, page.image)
    return Asked("What does a car cost?", (found,), is_good=True, started=time.perf_counter())


def test_it_writes_piece_by_piece_about_words_and_pictures(answerer, folder):
    events = list(answerer.answer(asked()))
    assert isinstance(events[0], AnswerPages)
    assert events[0].answerer == f"{folder} on this machine"
    assert (events[0].pages[0].has_text, events[0].pages[0].has_picture) == (True, True)
    assert isinstance(events[-1], AnswerEnd)
    pieces = events[1:-1]
    assert len(pieces) > 1
    assert {type(piece) for piece in pieces} == {AnswerText}


def test_who_stops_listening_ends_the_work(answerer):
    events = answerer.answer(asked())
    assert isinstance(next(events), AnswerPages)
    assert isinstance(next(events), AnswerText)
    events.close()
    assert "answer" not in [thread.name for thread in threading.enumerate()]


def test_what_cannot_answer_is_refused(tmp_path, tiny_checkpoint, folder, monkeypatch):
    silent = write_answerer(tmp_path / "silent", with_chat_template=False)
    with pytest.raises(WeightsRefused, match="no chat template"):
        LocalAnswerer(str(silent), ON_CPU, **LIMITS)
    with pytest.raises(WeightsRefused):
        LocalAnswerer(str(tiny_checkpoint("colqwen2")), ON_CPU, **LIMITS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnknownEncoder, match="holds no checkpoint"):
        LocalAnswerer(str(tmp_path / "empty"), ON_CPU, **LIMITS)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable, match="not in the cache"):
        LocalAnswerer("nobody/seer", ON_CPU, **LIMITS)
