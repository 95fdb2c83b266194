"""How the page looks: light and dark, on a phone and on a wide screen, and while it loads."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import AXE, MISSING, find_faults
from tests.browser.states import (
    FERRY,
    REPORT,
    add_questions,
    each_state,
    show_answer,
    show_landing,
    show_library,
    show_models,
    show_questions,
    show_results,
    show_viewer,
)
from tests.browsing import ask_page, expect_found, open_best, open_library, search_for
from tests.libraries import copy_library

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1920, "height": 1080}

# A finger needs as much.
TOUCH_PX = 40
PILL_PX = 32
# What is called good (web.dev/cls).
GOOD_SHIFT = 0.1


@pytest.fixture(scope="module")
def library(sample_library, tmp_path_factory):
    folder = copy_library(sample_library, tmp_path_factory.mktemp("asked") / "library")
    add_questions(folder)
    return folder


@pytest.mark.skipif(not AXE.is_file(), reason=MISSING)
@each_state
def test_axe_finds_no_serious_fault(page, server, show):
    """In light and dark, on a screen and on a phone."""
    show(page, server)
    faults = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect_ground(page, DARK_GROUND if scheme == "dark" else LIGHT_GROUND)
            faults += [f"{size['width']} px, {scheme}: {fault}" for fault in find_faults(page)]
    assert not faults, "\n".join(faults)


WATCH_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) if (!shift.hadRecentInput) shifts.push(shift);
    }).observe({ type: "layout-shift", buffered: true });
"""
# Everything that there is to come has come, and was painted.
ALL_PICTURES_ARE_THERE = """
    [...document.images].every((image) => image.complete || image.loading === "lazy")
"""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    "show", [show_landing, show_results, show_answer, show_library, show_models, show_questions]
)
def test_nothing_jumps_while_the_page_loads(page, server, show, size):
    page.set_viewport_size(size)
    page.add_init_script(WATCH_SHIFTS)
    show(page, server)
    page.wait_for_function(ALL_PICTURES_ARE_THERE)
    page.evaluate(PAINTED)
    shifts = page.evaluate("shifts.map(({ value }) => value)")
    assert sum(shifts) < GOOD_SHIFT, shifts


LIGHT_GROUND = "rgb(247, 246, 243)"
DARK_GROUND = "rgb(20, 24, 23)"


def expect_ground(page, colour):
    expect(page.locator("body")).to_have_css("background-color", colour)


def test_light_and_dark_follow_the_system(page, server):
    page.emulate_media(color_scheme="dark")
    ask_page(page, server)
    expect_ground(page, DARK_GROUND)
    page.emulate_media(color_scheme="light")
    expect_ground(page, LIGHT_GROUND)


# When the masthead came into the page, was it dark?
WATCH_MASTHEAD = """
    new MutationObserver((_, observer) => {
        if (!document.querySelector(".masthead")) return;
        window.wasDark = document.body.classList.contains("dark");
        observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
"""


def test_light_or_dark_is_chosen_and_stays_so(page, server):
    page.add_init_script(WATCH_MASTHEAD)
    page.emulate_media(color_scheme="light")
    ask_page(page, server)
    scheme = page.get_by_role("group", name="Colour scheme")
    expect(scheme.get_by_role("radio", name="Auto")).to_be_checked()
    scheme.get_by_text("Dark").click()
    expect_ground(page, DARK_GROUND)
    page.reload()
    expect(scheme.get_by_role("radio", name="Dark")).to_be_checked()
    expect_ground(page, DARK_GROUND)
    assert page.evaluate("wasDark"), "it was light first"
    scheme.get_by_text("Light").click()
    page.emulate_media(color_scheme="dark")
    expect_ground(page, LIGHT_GROUND)
    page.reload()
    expect(scheme.get_by_role("radio", name="Light")).to_be_checked()
    expect_ground(page, LIGHT_GROUND)
    scheme.get_by_text("Auto").click()
    expect_ground(page, DARK_GROUND)


# Controls in sight that are lower than this: [height, what]. Links in a line of text are text.
FIND_LOW = """([least, pill]) => {
    const open = document.querySelector("dialog[open]") ?? document;
    const controls = open.querySelectorAll(
        "button, select, summary, .button, [role=tab], .icon-button, .scheme, .words label, " +
        "input:not([type=radio], [type=checkbox], [type=file], [type=hidden])");
    return [...controls]
        .filter((control) => control.checkVisibility() && control.offsetWidth > 1)
        .map((control) => [control.getBoundingClientRect().height, control])
        .filter(([height, control]) =>
            height < (control.closest(".words") ? pill : least) - 0.5)
        .map(([height, control]) => `${height} px: ${control.outerHTML.slice(0, 100)}`);
}"""


@each_state
def test_a_phone_is_wide_enough(page, server, show):
    page.set_viewport_size(PHONE)
    show(page, server)
    # Gradio hides what is too wide; so each part is looked at, but for those that scroll alone.
    too_wide = page.evaluate(
        """width => {
            const alone = ".scrolling, .tools, .words, .stage, .crop, .visually-hidden";
            return [...document.querySelectorAll("body *")]
                .filter((part) => part.checkVisibility() && !part.parentElement.closest(alone))
                .filter((part) => part.getBoundingClientRect().right > width + 0.5)
                .filter((part) => getComputedStyle(part).position !== "fixed")
                .map((part) => part.outerHTML.slice(0, 120));
        }""",
        PHONE["width"],
    )
    assert not too_wide, too_wide
    page.evaluate("window.scrollTo(500, 0)")
    assert page.evaluate("window.scrollX") == 0
    low = page.evaluate(FIND_LOW, [TOUCH_PX, PILL_PX])
    assert not low, low


def test_on_a_phone_the_viewer_is_mostly_page(page, server):
    page.set_viewport_size(PHONE)
    show_viewer(page, server)
    header, close = page.locator("#viewer header"), page.locator("#viewer .close")
    assert header.bounding_box()["height"] <= PHONE["height"] / 3
    expect(close).to_be_in_viewport(ratio=1)
    # What is out of sight is reached by moving the row.
    download = page.get_by_role("link", name="Download")
    download.scroll_into_view_if_needed()
    expect(download).to_be_in_viewport(ratio=1)


def test_on_a_desktop_all_that_is_said_of_the_models_is_in_sight(page, server):
    page.set_viewport_size(DESKTOP)
    show_models(page, server)
    region = page.get_by_role("region", name="Models")
    width, room = region.evaluate("region => [region.scrollWidth, region.clientWidth]")
    assert width <= room
    note = region.get_by_text("Cannot be opened:").first
    note.scroll_into_view_if_needed()
    expect(note).to_be_in_viewport(ratio=1)


def test_on_a_phone_the_models_scroll_alone_and_each_row_keeps_its_name(page, server):
    page.set_viewport_size(PHONE)
    show_models(page, server)
    region = page.get_by_role("region", name="Models")
    row = region.locator("tbody tr").first
    row.locator("th").scroll_into_view_if_needed()
    region.evaluate("region => region.scrollTo(10000, 0)")
    expect(row.locator("th")).to_be_in_viewport(ratio=1)
    expect(row.locator("td").last).to_be_in_viewport(ratio=0.9)
    assert row.locator("td").last.bounding_box()["x"] > row.locator("th").bounding_box()["width"]


def test_on_a_wide_screen_nothing_is_stretched(page, server):
    page.set_viewport_size(WIDE)
    show_results(page, server)
    boxes = [card.bounding_box() for card in page.locator("#results .card").all()]
    assert max(box["width"] for box in boxes) < 400
    main = page.locator(".gradio-container").bounding_box()
    assert main["width"] <= 1480
    # In the middle, but for half a scroll bar.
    assert abs(main["x"] + main["width"] / 2 - WIDE["width"] / 2) < 10
    for picture in page.locator("#results img.page").all():
        ratios = picture.evaluate(
            "image => [image.clientWidth / image.clientHeight, image.width && "
            "image.getAttribute('width') / image.getAttribute('height')]"
        )
        assert ratios[0] == pytest.approx(ratios[1], rel=0.02)


def test_a_walk_through_all_of_it_leaves_no_error(page, server):
    """The page asks nothing of another host on any tab (its fixture looks at every request)."""
    complaints, refused = [], []
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    # The page itself ends what it no longer waits for.
    page.on(
        "requestfailed",
        lambda asked: asked.failure == "net::ERR_ABORTED" or refused.append(asked.url),
    )
    ask_page(page, server)
    search_for(page, FERRY)
    expect_found(page, f"{REPORT}, page 3")
    open_best(page)
    page.keyboard.press("+")
    page.wait_for_function("document.querySelector('#viewer img.page').naturalWidth > 640")
    page.keyboard.press("0")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer .at")).to_have_text("page 4 of 6")
    page.keyboard.press("Escape")
    page.locator("#results .card").first.get_by_role("link", name="More like").click()
    expect(page.locator("#search-status")).to_contain_text("Like page 3")
    page.get_by_role("tab", name="Ask").click()
    page.get_by_label("What you want to know").fill("How high is Carrick Hill?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#ask-answer .answer[aria-busy=false] .quote").first).to_be_visible()
    open_library(page)
    page.get_by_label("Sort by").select_option("name")
    expect(page.locator("#documents li").first).to_contain_text("bakery")
    page.get_by_role("tab", name="Questions").click()
    expect(page.locator("#questions .questions > li").first).to_be_visible()
    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#models tbody tr").first).to_be_visible()
    page.get_by_role("group", name="Colour scheme").get_by_text("Dark").click()
    page.get_by_role("group", name="Colour scheme").get_by_text("Auto").click()
    assert not complaints
    assert not refused


def test_the_page_has_an_icon_of_its_own(page, server):
    page.goto(server)
    icon = page.request.get(f"{server}/favicon.ico")
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert "#0f766e" in icon.text()
    manifest = page.request.get(f"{server}/manifest.json").json()
    assert manifest["name"] == "Pagelens"
    assert page.request.get(f"{server}{manifest['icons'][0]['src']}").text() == icon.text()
