"""Heat maps: hot where the patch lies that matched, cold where nothing did."""

import numpy as np
import pytest
from PIL import Image

from retrieval.encoders.geometry import lay_out_grid
from retrieval.evidence import compute_heat, draw_evidence
from retrieval.maxsim import gather_evidence
from retrieval.records import Evidence, Modality, PageEmbedding, QueryEmbedding

ROWS, COLUMNS = 4, 3
SIZE = (60, 80)


def make_evidence(hot: dict[str, int], modality=Modality.PAGES) -> Evidence:
    """Each word matches one patch of a grid, by its place in row-major order."""
    similarities = np.full((len(hot), ROWS * COLUMNS), 0.2, dtype=np.float32)
    for row, patch in enumerate(hot.values()):
        similarities[row, patch] = 0.9
    return Evidence(tuple(hot), lay_out_grid(ROWS, COLUMNS), similarities, modality)


def hottest(heat: np.ndarray) -> tuple[int, int]:
    """Row and column of the patch that holds the most heat."""
    blocks = heat.reshape(ROWS, SIZE[1] // ROWS, COLUMNS, SIZE[0] // COLUMNS).sum(axis=(1, 3))
    return divmod(int(blocks.argmax()), COLUMNS)


@pytest.mark.parametrize("patch", range(ROWS * COLUMNS))
def test_the_patch_that_matched_is_the_hottest(patch):
    heat = compute_heat(make_evidence({"harbour": patch}), SIZE)
    assert heat.shape == (SIZE[1], SIZE[0])
    assert hottest(heat) == divmod(patch, COLUMNS)
    assert heat.max() == 255
    assert (heat == 0).mean() > 0.8


def test_the_maximum_over_words_shows_the_places_of_all():
    evidence = make_evidence({"harbour": 0, "fees": 11})
    heat = compute_heat(evidence, SIZE)
    assert heat[5, 5] == heat[75, 55] == 255
    assert hottest(compute_heat(evidence.of_word("harbour"), SIZE)) == (0, 0)
    assert hottest(compute_heat(evidence.of_word("fees"), SIZE)) == (3, 2)


def test_a_word_that_is_nowhere_stays_pale_beside_one_that_is():
    evidence = make_evidence({"harbour": 0, "absent": 11})
    evidence.similarities[1] *= 0.3
    heat = compute_heat(evidence, SIZE)
    assert heat[75, 55] < 100 < heat[5, 5]


def test_evidence_of_nothing_is_cold():
    nothing = Evidence((), lay_out_grid(1, 1), np.empty((0, 1), dtype=np.float32), Modality.PAGES)
    assert not compute_heat(nothing, SIZE).any()
    page = Image.new("RGB", SIZE, "white")
    np.testing.assert_array_equal(draw_evidence(page, nothing), page)


def test_a_heat_map_lies_over_the_page_and_leaves_print_readable():
    page = Image.new("RGB", (300, 400), "white")
    page.paste("black", (0, 0, 50, 400))
    lit = np.asarray(draw_evidence(page, make_evidence({"harbour": 0})), dtype=int)
    assert lit.shape == (400, 300, 3)
    # Red where it matched, untouched far away, dark where it was dark.
    red, green, blue = lit[40, 75]
    assert red > green + 60 > blue
    assert (lit[350, 250] == 255).all()
    assert lit[40, 20].max() < 60


def test_patches_get_a_heat_map_and_words_a_marker():
    page = Image.new("RGB", (300, 400), "white")
    as_patches = np.asarray(draw_evidence(page, make_evidence({"harbour": 4})))
    as_words = np.asarray(draw_evidence(page, make_evidence({"harbour": 4}, Modality.WORDS)))
    assert (as_patches != as_words).any()


def test_prompt_tokens_and_vectors_without_a_place_do_not_vote():
    boxes = np.concatenate([np.full((1, 4), np.nan, np.float32), lay_out_grid(1, 2)])
    page = PageEmbedding(np.eye(3, dtype=np.float16), boxes)
    query = QueryEmbedding(
        np.eye(3, dtype=np.float32), ("", "the", "harbour"), (False, False, True)
    )
    evidence = gather_evidence(query, page, Modality.PAGES)
    assert evidence.tokens == evidence.words == ("harbour",)
    assert evidence.similarities.shape == (1, 2)
    heat = compute_heat(evidence, (20, 10))
    assert not heat[:, :10].any()
    assert (heat[:, 10:] == 255).all()


@pytest.mark.parametrize("family", ["colqwen2", "colqwen2.5", "colpali", "colidefics3"])
def test_every_family_draws_its_evidence_from_its_vectors(open_tiny, family):
    from retrieval.encoders.stream import encode_pages
    from tests.documents import build_page

    encoder = open_tiny(family)
    page = build_page("The harbour master collects mooring fees")
    (embedding,) = encode_pages(encoder, [page])
    evidence = gather_evidence(
        encoder.encode_query("harbour fees"), embedding, encoder.spec.modality
    )
    assert evidence.words == ("harbour", "fees")
    lit = draw_evidence(page.image, evidence)
    assert lit.size == page.image.size
    assert (np.asarray(lit) != np.asarray(page.image)).any()
