"""Ways to search compared from the models tab: begun, followed, cancelled; reports are opened.

The tests of this module go on from one another, in one library that has no question at first.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.api.question_bodies import MarkBody
from app.client import PagelensClient
from app.comparing import keep_comparison
from tests.app.api.test_comparisons import REPORT, finish
from tests.browser.axe import AXE, MISSING, find_faults
from tests.browser.conftest import start_server
from tests.browser.test_looks import DARK_GROUND, LIGHT_GROUND, expect_ground
from tests.libraries import ASKED_FILES, write_asked_files

pytestmark = pytest.mark.browser

# Two processes and two models are begun for it.
COMPARED_MS = 240_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the library is that is served."""
    return tmp_path_factory.mktemp("comparing")


@pytest.fixture(scope="module")
def server(folder):
    with start_server(folder, XDG_CACHE_HOME=str(folder / "cache")) as address:
        with PagelensClient(address) as client:
            for path in write_asked_files(folder):
                client.wait(client.upload_version(path), lambda job: None)
        yield address


@pytest.fixture
def open_page(page, server):
    page.goto(f"{server}/?tab=models")
    expect(page.locator("#compare-box section")).to_be_visible()
    return page


def form(page):
    return page.locator("#compare-form")


def run(page):
    return page.locator("#compare-run")


def test_without_questions_there_is_nothing_to_compare_by(open_page, server):
    page = open_page
    expect(form(page)).to_have_count(0)
    note = page.locator("#compare-box").get_by_role("note")
    expect(note).to_contain_text("There are no questions yet")
    note.get_by_role("link", name="Questions").click()
    expect(page.locator("#questions")).to_contain_text("No questions yet.")
    with PagelensClient(server) as client:
        for name, (_, question) in ASKED_FILES.items():
            id_ = client.find_document(name).document_id
            client.mark_page(MarkBody(text=question, document_id=id_, page=1))
    page.get_by_role("tab", name="Models").click()
    expect(form(page)).to_contain_text("measured by 2 questions")


def test_a_comparison_is_listed_when_it_is_finished_and_its_report_opens(open_page, folder):
    page, comparisons = open_page, open_page.locator("#comparisons")
    expect(comparisons).to_contain_text("None yet.")
    expect(comparisons.locator("code")).to_contain_text("pagelens compare")
    # Another process makes it, while the library is served.
    keep_comparison(folder / "library", finish(26), REPORT)
    page.get_by_role("tab", name="Library").click()
    page.get_by_role("tab", name="Models").click()
    expect(comparisons.locator("ol li")).to_have_text(
        "hybrid 0.702 [0.634, 0.765]: better than text"
    )
    with page.expect_popup() as opened:
        comparisons.get_by_role("link", name="town, 2026-11-26 12:00").click()
    report = opened.value
    expect(report.get_by_text("hybrid: better")).to_have_css("color", "rgb(255, 0, 0)")
    report.close()


def test_a_comparison_is_begun_survives_a_reload_and_its_report_opens(open_page):
    page = open_page
    form(page).get_by_label("hybrid").uncheck()
    form(page).get_by_role("button", name="Start").click()
    ways = run(page).locator(".ways .name")
    expect(ways).to_have_text(["visual", "text"])
    page.reload()
    # On a quick machine it is done by now.
    expect(run(page).locator(".run")).to_contain_text("compar", ignore_case=True)
    expect(run(page)).to_contain_text("The comparison is done", timeout=COMPARED_MS)
    # Only what could not be measured is still listed here.
    expect(ways).to_have_count(0)
    expect(form(page)).to_be_visible()
    listed = page.locator("#comparisons section > ul > li").first
    expect(listed).to_contain_text("the questions of library")
    expect(listed.locator("ol li")).to_have_count(2)
    with page.expect_popup() as opened:
        run(page).get_by_role("link", name="open its report").click()
    expect(opened.value.get_by_text("Where can I eat something sweet?").first).to_be_visible()
    opened.value.close()


def test_one_at_a_time_and_it_is_cancelled_at_once(open_page):
    page = open_page
    form(page).get_by_label("Others").first.fill("no-such-model")
    form(page).get_by_role("button", name="Start").click()
    notice = page.locator("#compare-notice")
    expect(notice).to_contain_text("unknown model 'no-such-model'")
    form(page).get_by_label("Others").first.fill("")
    # An index of its own, which takes a while.
    form(page).get_by_label("minilm-dense").check()
    form(page).get_by_role("button", name="Start").press("Enter")
    cancel = page.get_by_role("button", name="Cancel the comparison")
    # By keyboard, too: the focus goes where one goes on.
    expect(cancel).to_be_focused()
    expect(form(page)).to_be_hidden()
    page.evaluate("window.pagelens.trigger('compare', { act: 'start', form: {} })")
    expect(notice).to_contain_text("a comparison is under way already")
    page.keyboard.press("Enter")
    expect(run(page)).to_contain_text("The comparison was cancelled.")
    expect(form(page).get_by_role("button", name="Start")).to_be_focused()


@pytest.mark.skipif(not AXE.is_file(), reason=MISSING)
def test_the_tab_has_no_fault_that_a_reader_would_meet(open_page):
    expect(run(open_page)).to_contain_text("The comparison was cancelled.")
    for scheme, ground in (("light", LIGHT_GROUND), ("dark", DARK_GROUND)):
        open_page.emulate_media(color_scheme=scheme)
        expect_ground(open_page, ground)
        assert find_faults(open_page) == []
