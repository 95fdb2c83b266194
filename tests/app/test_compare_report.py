"""The report of a comparison: one file that asks for nothing, with charts that can be read."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from app.compare import compare_variants
from app.compare_report import PictureShrinker, describe_differences, render_report, summarise
from app.comparison_output import format_estimate
from app.report_charts import choose_log_ticks, choose_ticks, shorten_label, spread
from app.settings import Settings
from app.variants import list_variants
from retrieval.bootstrap import Estimate
from retrieval.evaluation import load_evaluation_set
from tests.app.test_compare import write_set
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS

# Whether any two of these elements cover each other, as [first, second].
OVERLAPS = """selector => {
    const found = [];
    for (const chart of document.querySelectorAll(".chart svg")) {
        const boxes = [...chart.querySelectorAll(selector)].map((it) => it.getBoundingClientRect());
        boxes.forEach((one, i) => boxes.slice(i + 1).forEach((other) => {
            if (one.left < other.right && other.left < one.right
                && one.top < other.bottom && other.top < one.bottom) found.push([one, other]);
        }));
    }
    return found;
}"""


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    folder = write_set(root / "town")
    settings = Settings(library=root / "untouched", model="minilm-layout", reranker="none")
    variants = list_variants({"mode": "hybrid,text,visual"}, (), settings)
    return compare_variants(
        "<b>town</b>",
        load_evaluation_set(folder),
        variants,
        settings,
        root / "cache",
        lambda name: lambda progress: None,
    )


@pytest.fixture(scope="module")
def report(comparison):
    # As many as a comparison of models has; those in the middle stand on the same spot.
    copies = [
        replace(it, run=replace(it.run, name=f"{it.name} {n}"))
        for n in range(3)
        for it in comparison.measured[1:]
    ]
    many = replace(comparison, measured=(*comparison.measured, *copies))
    return render_report(many, command="pagelens compare town", machine="a CPU, 2 cores")


def test_it_says_what_was_measured_on_what_and_how(report, comparison):
    assert "4 questions over 3 pages" in report
    assert "pagelens compare town" in report
    assert "a CPU, 2 cores" in report
    assert "10,000 resamples" in report
    text = comparison.measured[1]
    assert f"{text.metrics['ndcg@10'].mean:.3f} [" in report
    assert "no difference from hybrid that these 4 questions can show" in report


def test_what_files_and_folders_are_called_is_shown_as_text(report):
    assert "<b>town" not in report
    assert "&lt;b&gt;town&lt;/b&gt;" in report


def test_a_question_that_is_lost_shows_what_was_found_and_the_right_page(comparison):
    hybrid, text, _ = comparison.measured
    differences = describe_differences(hybrid, text, PictureShrinker(comparison))
    assert differences.counts == (0, 1, 3)
    (found,) = differences.shown
    assert found.question == "Where can I eat something sweet?"
    assert found.change < 0
    assert [it.is_relevant for it in found.pictures].count(True) == 1
    for picture in found.pictures:
        assert picture.data.startswith("data:image/webp;base64,")
        assert picture.size_px[0] < picture.size_px[1]


def test_a_page_that_has_no_picture_is_named_all_the_same(comparison, tmp_path):
    hybrid, text, _ = comparison.measured
    run = replace(hybrid.run, library=tmp_path)
    blind = replace(comparison, measured=(replace(hybrid, run=run), text))
    assert "no picture" in render_report(blind, command="", machine="")


def test_it_is_summarised_for_the_list(comparison):
    finished = summarise(comparison)
    assert finished.n_questions == 4
    assert [it.name for it in finished.variants] == ["hybrid", "text", "visual"]
    assert re.fullmatch(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]", finished.variants[0].score)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_and_asks_nobody_for_anything(report, scheme, tmp_path):
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    file = tmp_path / "report.html"
    file.write_text(report, encoding="utf-8")
    asked, said = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = browser.new_page(color_scheme=scheme)
        page.on("request", lambda it: asked.append(it.url))
        page.on("console", lambda it: said.append(it.text))
        page.on("pageerror", lambda it: said.append(str(it)))
        page.goto(file.as_uri())
        expect(page.locator(".chart svg")).to_have_count(2)
        pictures = page.locator(".pages img")
        pictures.first.scroll_into_view_if_needed()
        expect(pictures.first).not_to_have_js_property("naturalWidth", 0)
        # Labels can be read and marks be told apart, also those of the same value.
        assert page.evaluate(OVERLAPS, ".label") == []
        assert page.evaluate(OVERLAPS, ".mark") == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.close()
    assert (ground == "rgb(20, 24, 23)") == (scheme == "dark")
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert said == []


def test_labels_keep_their_order_and_their_distance():
    places = [50.0, 51.0, 52.0, 200.0, 40.0]
    moved = spread(places, 20, 0, 300)
    assert moved[3] == 200
    by_place = [moved[i] for i in (4, 0, 1, 2, 3)]
    assert all(b - a >= 20 - 1e-9 for a, b in pairwise(by_place))
    # As little as can be: the middle of those that were moved stays.
    assert sum(by_place[:4]) == pytest.approx(sum([40, 50, 51, 52]))
    # None leaves the chart, however many there are.
    crowded = spread([299.0] * 100, 20, 0, 300)
    assert min(crowded) >= 0
    assert max(crowded) <= 300 + 1e-9


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (36_000, 36_000, [20_000, 50_000]),
        (12, 270, [10, 20, 50, 100, 200, 500]),
        (0.4, 9_000, [0.1, 1, 10, 100, 1_000, 10_000]),
    ],
)
def test_ticks_of_what_it_takes_are_round_and_hold_every_value(low, high, ticks):
    assert choose_log_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("low", "high", "ends"), [(0.62, 0.77, (0.6, 0.8)), (0.9, 1.0, (0.88, 1.0)), (0, 0, (0, 0.01))]
)
def test_ticks_of_quality_are_even_and_hold_every_value(low, high, ends):
    ticks = choose_ticks(low, high)
    assert (ticks[0], ticks[-1]) == pytest.approx(ends)
    steps = [b - a for a, b in pairwise(ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps))


def test_a_long_name_keeps_its_ends():
    name = "vidore/colqwen2.5-v0.2, pool factor 3, stored as turbo8, hybrid, no reranker"
    short = shorten_label(name)
    assert len(short) < 40
    assert short.startswith("vidore/colqwen2.5")
    assert short.endswith("no reranker")


def test_a_model_that_was_trained_on_the_questions_is_not_simply_called_better(comparison):
    text = comparison.measured[1]
    assert "trained" not in comparison.describe_difference(text)
    taught = replace(text, run=replace(text.run, n_trained_on=3))
    told = comparison.describe_difference(taught)
    assert told.endswith("but it was trained on 3 of these 4 questions, and knows their answers")


def test_an_end_of_an_interval_that_is_not_0_does_not_read_as_0():
    assert format_estimate(Estimate(0.033, 0.0002, 0.073, 46), sign=True) == (
        "+0.0330 [+0.0002, +0.0730]"
    )
    assert format_estimate(Estimate(-0.0001, -0.001, 0.0, 46), sign=True) == (
        "+0.000 [-0.001, +0.000]"
    )
