"""Pages over HTTP: small for a list, sharp for whoever reads, and what they say, word by word."""

import io

import pytest
from PIL import Image

from ingest.files import original_path
from tests.app.api.asking import error_of, upload
from tests.documents import draw_photo, encode_image, write_text_pdf


def picture_of(answer) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    return Image.open(io.BytesIO(answer.content))


@pytest.fixture
def show(served):
    def show(name, width=None, page=1, **headers):
        params = {} if width is None else {"width": width}
        path = f"/api/v1/documents/{served.find(name)}/pages/{page}/image"
        return served.http.get(path, params=params, headers=headers)

    return show


def test_the_stored_preview_is_shown_where_no_width_is_asked(served, show):
    preview = served.library.find_preview(served.find("harbour.pdf"), 0)
    assert show("harbour.pdf").content == preview.read_bytes()


@pytest.mark.parametrize(("width", "shown"), [(64, 160), (160, 160), (161, 320), (700, 725)])
def test_a_page_is_scaled_down_to_the_next_step(show, width, shown):
    assert picture_of(show("harbour.pdf", width)).width == shown


@pytest.mark.parametrize(("width", "shown"), [(800, 1024), (1025, 1600), (4096, 4096)])
def test_a_page_is_rendered_again_where_the_preview_is_not_sharp_enough(show, width, shown):
    preview = picture_of(show("harbour.pdf"))
    page = picture_of(show("harbour.pdf", width))
    assert page.width == pytest.approx(shown, rel=0.002)
    assert page.width / page.height == pytest.approx(preview.width / preview.height, abs=0.002)
    # Ink of the page, and not that of the preview drawn larger, which has soft edges.
    enlarged = preview.convert("L").resize(page.size)
    assert sharpness(page.convert("L")) > 1.2 * sharpness(enlarged)


def sharpness(picture: Image.Image) -> float:
    """The steepest step between two neighbouring pixels, of which text has many."""
    pixels = picture.load()
    row = range(picture.width - 1)
    lines = range(0, picture.height // 4)
    steps = sorted(abs(pixels[x, y] - pixels[x + 1, y]) for y in lines for x in row)
    return sum(steps[-200:]) / 200


def test_a_picture_is_shown_as_large_as_its_original_and_no_larger(receiving):
    job = upload(receiving.http, encode_image(draw_photo((2000, 1500)), "PNG"), "sky.png")
    path = f"/api/v1/documents/{job['document_id']}/pages/1/image"
    try:
        assert picture_of(receiving.http.get(path)).size == (1024, 768)
        for width, shown in ((1600, 1600), (2400, 2000), (4096, 2000)):
            picture = picture_of(receiving.http.get(path, params={"width": width}))
            assert picture.size == (shown, shown * 3 // 4)
    finally:
        receiving.http.delete(f"/api/v1/documents/{job['document_id']}")


def test_a_page_whose_original_is_lost_is_shown_as_it_is_stored(receiving, tmp_path):
    content = write_text_pdf(tmp_path / "lost.pdf", "The lost page.").read_bytes()
    id_ = upload(receiving.http, content, "lost.pdf")["document_id"]
    path = f"/api/v1/documents/{id_}/pages/1/image"
    try:
        original_path(receiving.library.folder, id_).unlink()
        answer = receiving.http.get(path, params={"width": 1600})
        assert answer.content == receiving.http.get(path).content
    finally:
        receiving.http.delete(f"/api/v1/documents/{id_}")


def test_a_browser_that_has_a_page_does_not_fetch_it_again(show):
    for width in (None, 320, 1600):
        first = show("harbour.pdf", width)
        assert first.headers["cache-control"] == "private, max-age=86400, immutable"
        again = show("harbour.pdf", width, **{"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    other = show("harbour.pdf", 320, page=2, **{"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("width", [63, 4097, "wide"])
def test_a_width_out_of_bounds_is_refused_with_its_name(show, width):
    answer = show("harbour.pdf", width)
    assert answer.status_code == 422
    assert "width" in error_of(answer)["message"]


def test_a_page_that_is_not_there_has_no_picture_of_any_width(show):
    for width in (None, 320, 1600):
        answer = show("harbour.pdf", width, page=3)
        assert (answer.status_code, error_of(answer)["type"]) == (404, "UnknownPage")


def test_the_words_of_a_page_are_read_in_order_each_where_it_stands(served):
    path = f"/api/v1/documents/{served.find('harbour.pdf')}/pages/2/words"
    said = served.http.get(path).json()
    assert said["text_source"] == "text-layer"
    texts = [word["text"] for word in said["words"]]
    assert texts[:5] == ["Storm", "warnings", "are", "shown", "as"]
    storm, warnings = (word["box"] for word in said["words"][:2])
    assert storm[0] < storm[2] < warnings[0] < warnings[2], "they stand side by side"
    assert all(0 <= low < high <= 1 for low, high in (storm[::2], storm[1::2]))
    assert (storm[1] + storm[3]) / 2 < 0.1, "at the top of the page"


def test_a_photo_says_nothing(served):
    path = f"/api/v1/documents/{served.find('dusk.png')}/pages/1/words"
    assert served.http.get(path).json() == {"text_source": "none", "words": []}


def test_a_page_that_is_not_there_says_that_it_is_not(served):
    answer = served.http.get(f"/api/v1/documents/{served.find('harbour.pdf')}/pages/3/words")
    assert answer.status_code == 404
    assert error_of(answer)["message"] == "harbour.pdf: there is no page 3"
