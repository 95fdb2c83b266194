"""What can be seen on the web page: each state of it, as a person gets there."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.library import Library
from app.settings import Settings
from retrieval.questions import RelevantPage
from tests.browsing import ask_page, expect_found, open_best, open_library

FERRY = "How many passengers did the ferry carry in its busiest month of 2024?"
NONSENSE = "quarterly zeppelin franchise litigation in Patagonia"
REPORT = "haldry-annual-report-2024.pdf"
N_PROPOSED = 8


def add_questions(folder: Path) -> None:
    """Gives a library of the sample documents a question of its own, and some to be checked."""
    with Library(Settings(library=folder)) as library:
        library.add_question(FERRY, [RelevantPage(REPORT, 2)])
        assert len(list(library.propose_questions(lambda _: None, limit=N_PROPOSED))) == N_PROPOSED


def show_landing(page, server):
    ask_page(page, server)


def show_results(page, server):
    ask_page(page, server, q=FERRY)
    expect_found(page, f"{REPORT}, page 3")


def show_filters(page, server):
    show_results(page, server)
    page.get_by_text("Filters").click()
    expect(page.get_by_label("Group by document")).to_be_visible()


def show_no_good_match(page, server):
    ask_page(page, server, q=NONSENSE)
    expect(page.get_by_role("note")).to_contain_text("No good match")


def show_viewer(page, server):
    show_results(page, server)
    open_best(page)
    expect(page.locator("#viewer .at")).to_have_text("page 3 of 6")


def show_answer(page, server):
    page.goto(f"{server}/?tab=ask&q=How+high+is+Carrick+Hill")
    expect(page.locator("#ask-answer .answer[aria-busy=false] .quote").first).to_be_visible()


def show_library(page, server):
    page.goto(server)
    open_library(page)
    expect(page.locator("#documents li").first).to_be_visible()


def show_question_to_delete(page, server):
    show_library(page, server)
    page.get_by_role("button", name=f"Delete {REPORT}").click()
    expect(page.locator("#confirm-delete")).to_be_visible()


def show_models(page, server):
    page.goto(f"{server}/?tab=models")
    expect(page.locator("#models tbody tr").first).to_be_visible()


def show_questions(page, server):
    page.goto(f"{server}/?tab=questions")
    expect(page.locator("#questions .questions > li")).to_have_count(1 + N_PROPOSED)


def show_question_to_edit(page, server):
    show_questions(page, server)
    page.get_by_role("button", name="Edit").first.click()
    expect(page.get_by_role("dialog", name="Edit the question")).to_be_visible()


STATES = (
    show_landing,
    show_results,
    show_filters,
    show_no_good_match,
    show_viewer,
    show_answer,
    show_library,
    show_question_to_delete,
    show_models,
    show_questions,
    show_question_to_edit,
)
each_state = pytest.mark.parametrize("show", STATES, ids=lambda show: show.__name__[5:])
