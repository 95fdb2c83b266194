"""Libraries of pictures: visual encoders, photos, and queries that are not text."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.library import Library
from app.settings import Settings
from ingest.render import PREVIEW_LIMIT_PX, PREVIEW_LONG_SIDE_PX
from retrieval.errors import (
    EncoderMismatch,
    FileRefused,
    SelfTestFailed,
    UnknownDocument,
    UnknownEncoder,
)
from retrieval.records import Box, Kind, Modality
from tests.documents import draw_lines, draw_photo, write_scan_pdf, write_text_pdf
from tests.terminal import run_pagelens

HARBOUR = "The harbour master collects mooring fees from every yacht on the first of May."
BAKERY = "Our bakery sells rye bread, plum cake and warm cinnamon rolls."


def silent(progress):
    pass


def draw_traffic_light() -> Image.Image:
    """What ImageNet calls a traffic light."""
    picture = Image.new("RGB", (300, 500), (135, 190, 235))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((135, 380, 165, 500), fill=(60, 60, 60))
    draw.rounded_rectangle((85, 30, 215, 390), radius=25, fill=(25, 25, 25))
    for row, colour in enumerate([(230, 30, 30), (90, 75, 10), (15, 70, 25)]):
        draw.ellipse((105, 50 + 115 * row, 195, 140 + 115 * row), fill=colour)
    return picture


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_text_pdf(folder / "harbour.pdf", HARBOUR, BAKERY)
    write_scan_pdf(folder / "scan.pdf", ["A letter about the comet", "on a cold night"])
    draw_traffic_light().save(folder / "light.png")
    draw_photo().save(folder / "dusk.png")
    return folder


@pytest.fixture(scope="module")
def library(files, tmp_path_factory):
    with Library(Settings(library=tmp_path_factory.mktemp("words") / "library")) as library:
        assert library.ingest([files], silent).documents == 4
        yield library


@pytest.fixture(scope="module")
def visual_library(files, tiny_checkpoint, tmp_path_factory):
    settings = Settings(
        library=tmp_path_factory.mktemp("visual") / "library",
        model=str(tiny_checkpoint("colqwen2")),
        skip_self_test=True,
    )
    with Library(settings) as library:
        assert library.ingest([files], silent).documents == 4
        yield library


def names(answer):
    return [hit.document for hit in answer.hits]


def test_a_photo_is_found_by_what_it_shows(library):
    answer = library.search("a traffic light", 5)
    assert names(answer)[0] == "light.png"
    hit = answer.hits[0]
    assert hit.kind == Kind.PHOTO
    assert hit.scores.photo >= library.encoders.open_photos().clear_score
    assert library.lit_page(hit) is not None


def test_a_question_about_a_page_finds_the_page_before_any_photo(library):
    answer = library.search("Who collects the mooring fees?", 5)
    assert names(answer)[0] == "harbour.pdf"
    assert answer.hits[0].kind == Kind.PAGE


def test_photos_and_pages_are_counted_apart(library):
    counts = library.count()
    assert (counts.photos, counts.unread_pages) == (2, 0)


def test_a_photo_finds_itself_and_then_others(library, files):
    answer = library.search_picture(files / "light.png", 3)
    assert names(answer)[0] == "light.png"
    assert answer.hits[0].scores.photo == pytest.approx(1.0, abs=0.01)
    assert answer.query == "light.png"


def test_a_screenshot_finds_the_page_it_shows(library, tmp_path):
    draw_lines(["mooring fees from every yacht", "on the first of May"]).save(tmp_path / "shot.png")
    answer = library.search_picture(tmp_path / "shot.png", 3)
    assert (answer.hits[0].document, answer.hits[0].page_number) == ("harbour.pdf", 1)
    assert answer.hits[0].matches


@pytest.mark.parametrize("name", ["harbour.pdf", "light.png"])
def test_a_picture_query_that_is_none_is_refused(library, files, tmp_path, name):
    (tmp_path / "not.png").write_text("text")
    with pytest.raises(FileRefused, match=r"not\.png"):
        library.search_picture(tmp_path / "not.png", 3)
    if name.endswith(".pdf"):
        with pytest.raises(FileRefused, match="only a picture can be searched with"):
            library.search_picture(files / name, 3)


def test_more_like_a_page_leaves_the_page_itself_out(library):
    document = library.find_document("harbour.pdf")
    answer = library.search_like(document.document_id, 0, 10)
    found = {(hit.document, hit.page_number) for hit in answer.hits}
    assert ("harbour.pdf", 1) not in found
    assert ("harbour.pdf", 2) in found
    assert answer.query == "like harbour.pdf, page 1"


def test_more_like_a_region_asks_with_the_vectors_of_that_region(visual_library):
    document = visual_library.find_document("harbour.pdf")
    top = visual_library.search_like(document.document_id, 0, 5, Box(0, 0, 1, 0.3))
    bottom = visual_library.search_like(document.document_id, 0, 5, Box(0, 0.7, 1, 1))
    # The second page has the same margins: blank paper at the bottom of both.
    assert bottom.hits[0].document == "harbour.pdf"
    assert top.hits and bottom.hits
    assert len(top.hits[0].evidence.similarities) != 0


def test_more_like_a_photo_compares_looks(library):
    light = library.find_document("light.png")
    answer = library.search_like(light.document_id, 0, 5)
    assert names(answer)[0] == "dusk.png"
    part = library.search_like(light.document_id, 0, 5, Box(0.2, 0.0, 0.8, 0.8))
    assert names(part)[0] == "dusk.png"


def test_a_page_that_is_not_there_is_said(library):
    document = library.find_document("harbour.pdf")
    with pytest.raises(UnknownDocument, match="has 2 pages, no page 9"):
        library.search_like(document.document_id, 8, 5)


def test_a_visual_encoder_sees_every_page_also_scans_and_photos(visual_library):
    answer = visual_library.search("comet", 10)
    assert set(names(answer)) == {"harbour.pdf", "scan.pdf", "light.png", "dusk.png"}
    assert len(answer.hits) == 5
    for hit in answer.hits:
        assert hit.evidence.modality == Modality.PAGES
        assert hit.evidence.words == ("comet",)
        assert len(hit.evidence.boxes) > 10
    # It needs no OCR, which takes seconds a page.
    scan = visual_library.find_document("scan.pdf")
    assert visual_library.list_text_sources(scan.document_id) == {0: "none"}


def test_evidence_of_a_visual_encoder_is_a_heat_map(visual_library):
    hit = visual_library.search("comet", 1).hits[0]
    plain = visual_library.page_picture(hit.document_id, hit.page_index)
    lit = visual_library.lit_page(hit)
    assert lit.size == plain.size
    changed = (np.asarray(lit) != np.asarray(plain)).any(axis=2).mean()
    assert 0.02 < changed < 0.98


def test_an_untrained_encoder_indexes_nothing(tiny_checkpoint, tmp_path):
    model = str(tiny_checkpoint("colqwen2"))
    with pytest.raises(SelfTestFailed, match="colqwen2 failed its self-test"):
        Library(Settings(library=tmp_path / "library", model=model))
    # The library is not bound to it.
    with Library(Settings(library=tmp_path / "library")) as library:
        assert library.encoder.spec.id == "minilm-layout"


def test_a_library_opens_with_its_own_encoder_unless_another_is_asked_for(
    visual_library, tiny_checkpoint, files, tmp_path
):
    settings = Settings(
        library=tmp_path / "library", model=str(tiny_checkpoint("colpali")), skip_self_test=True
    )
    with Library(settings) as library:
        key = library.encoder.key
        assert library.encoders.choice.reason == "it was asked for"
    with Library(Settings(library=tmp_path / "library")) as library:
        assert library.encoder.key == key
        assert library.encoders.choice.reason == "the library was made with it"
    for other in ("minilm-layout", str(tiny_checkpoint("colqwen2"))):
        with pytest.raises(EncoderMismatch) as refused:
            Library(Settings(library=tmp_path / "library", model=other))
        assert key in str(refused.value)
        assert other in str(refused.value)
    with pytest.raises(UnknownEncoder):
        Library(Settings(library=tmp_path / "library", model="no-such-model"))


def test_a_checkpoint_that_changed_under_its_name_is_refused(tiny_checkpoint, tmp_path):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint("colqwen2"), folder)
    settings = Settings(library=tmp_path / "library", model=str(folder), skip_self_test=True)
    with Library(settings) as library:
        key = library.encoder.key
    config = json.loads((folder / "processor_config.json").read_text())
    config["image_processor"]["size"]["longest_edge"] //= 2
    (folder / "processor_config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderMismatch) as refused:
        Library(settings)
    assert key in str(refused.value)


def test_the_pool_factor_belongs_to_the_library(files, tmp_path):
    with Library(Settings(library=tmp_path / "library", pool_factor=3)) as library:
        library.ingest([files / "harbour.pdf"], silent)
        assert library.encoder.key.endswith("/pool-3")
    with Library(Settings(library=tmp_path / "library")) as library:
        assert library.encoder.key.endswith("/pool-3")
        answer = library.search("Who collects the mooring fees?", 2)
        assert answer.hits[0].page_number == 1
        assert answer.hits[0].matches
    with pytest.raises(EncoderMismatch, match="pool factor 3, not with 2"):
        Library(Settings(library=tmp_path / "library", pool_factor=2))


def test_photos_of_another_encoder_are_refused_by_both_names(files, tmp_path):
    with Library(Settings(library=tmp_path / "library")) as library:
        library.ingest([files / "light.png"], silent)
    settings = Settings(library=tmp_path / "library", photo_model="google/siglip2-base-patch16-384")
    with Library(settings) as library, pytest.raises(EncoderMismatch) as refused:
        library.search("a traffic light", 3)
    assert "imagenet-tags" in str(refused.value)
    assert "google/siglip2-base-patch16-384" in str(refused.value)


def test_the_terminal_searches_with_pictures_and_saves_evidence(files, tmp_path):
    library = tmp_path / "library"
    ended = run_pagelens("ingest", files, "--library", library)
    assert ended.returncode == 0, ended.stderr
    assert "Pages: minilm-layout (this machine has no GPU" in ended.stderr
    assert "Photos: imagenet-tags" in ended.stderr
    ended = run_pagelens(
        "search", "--image", files / "light.png", "--library", library, "--json", "--top-k", "2"
    )
    assert ended.returncode == 0, ended.stderr
    hit = json.loads(ended.stdout)["hits"][0]
    assert (hit["document"], hit["kind"]) == ("light.png", "photo")
    ended = run_pagelens(
        *("search", "--like", "harbour.pdf", "--page", "2", "--region", "0,0,1,0.5"),
        *("--library", library, "--json"),
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["query"] == "like harbour.pdf, page 2"
    ended = run_pagelens(
        *("search", "mooring fees", "--top-k", "1", "--library", library),
        *("--save-evidence", tmp_path / "evidence"),
    )
    assert ended.returncode == 0, ended.stderr
    saved = sorted(path.name for path in (tmp_path / "evidence").iterdir())
    assert saved == [
        "01-harbour-page-1-fees.jpg",
        "01-harbour-page-1-mooring.jpg",
        "01-harbour-page-1.jpg",
    ]
    with Image.open(tmp_path / "evidence" / saved[0]) as picture:
        assert PREVIEW_LONG_SIDE_PX <= max(picture.size) <= PREVIEW_LIMIT_PX


@pytest.mark.parametrize("command", [["ingest", "gone"], ["search", "--image", "gone.png"]])
def test_a_mistyped_path_makes_no_library(tmp_path, command):
    ended = run_pagelens(*command, "--library", tmp_path / "library")
    assert ended.returncode == 2
    assert f"{command[-1]}: no such file or folder" in ended.stderr
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["question", "--image", "x.png"], "give one of these"),
        ([], "give one of these"),
        (["question", "--page", "2"], "go with --like"),
        (["--like", "x", "--region", "0,0,1"], "not four numbers"),
        (["--like", "x", "--region", "0.5,0,0.2,1"], "top left before bottom right"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(tmp_path, arguments, reason):
    ended = run_pagelens("search", *arguments, "--library", tmp_path)
    assert ended.returncode == 2
    assert reason in " ".join(ended.stderr.replace("│", "").split())


@pytest.mark.parametrize("command", [["--help"], ["models", "--json"], ["status", "--json"]])
def test_quick_commands_import_no_model_library(tmp_path, command):
    from tests.terminal import run_python

    script = (
        "import sys\n"
        f"sys.argv = ['pagelens', *{command!r}]\n"
        "from app.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'transformers', 'gradio', 'huggingface_hub', 'qdrant_edge', 'PIL'}\n"
        "print(heavy & set(sys.modules), file=sys.stderr)\n"
    )
    ended = run_python("-c", script)
    assert ended.stderr.strip().splitlines()[-1] == "set()", ended.stderr
