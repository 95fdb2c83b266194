"""Finished comparisons on the models tab: listed as they come, and opened."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.comparing import keep_comparison
from tests.app.api.test_comparisons import REPORT, finish
from tests.browser.conftest import start_server

pytestmark = pytest.mark.browser


def test_a_comparison_is_listed_when_it_is_finished_and_its_report_opens(page, tmp_path):
    with start_server(tmp_path) as server:
        page.goto(f"{server}/?tab=models")
        comparisons = page.locator("#comparisons")
        expect(comparisons).to_contain_text("None yet.")
        expect(comparisons.locator("code")).to_contain_text("pagelens compare")
        # Another process makes it, while the library is served.
        keep_comparison(tmp_path / "library", finish(26), REPORT)
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
