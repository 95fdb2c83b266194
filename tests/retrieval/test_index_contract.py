"""What every vector index does, whichever stores the pages.

"edge" is the embedded one, "rest" the code for servers on qdrant-client's own Python
implementation, asked over REST (`tests.qdrant_local`), and "server" the same code on a live server,
where PAGELENS_TEST_QDRANT_URL names one (and PAGELENS_TEST_QDRANT_API_KEY its key). Local mode
computes everything exactly, in float32 and in memory: it says nothing of datatypes, payload
indexes, strict mode, limits or gRPC.
"""

import os
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from retrieval.errors import IndexFailed, InvalidEmbedding
from retrieval.index.base import (
    IndexedPage,
    IndexLayout,
    PageFilter,
    PageIndex,
    VectorStorage,
)
from retrieval.index.cells import PREFETCH_PAGES
from retrieval.index.connection import connect
from retrieval.index.edge import EdgeIndex
from retrieval.index.first_stage import build_first_stage, wants_codebook
from retrieval.index.server import QdrantIndex, ServerOptions
from retrieval.lexical import weigh_question
from retrieval.maxsim import score_maxsim
from retrieval.records import Box, Kind, PageEmbedding, QueryEmbedding, Word
from tests.libraries import copy_library
from tests.qdrant_local import serve_local_qdrant

DIM = 32
ALL_PAGES = PageFilter()
LAYOUT = IndexLayout(DIM, "test-encoder@1", VectorStorage.FLOAT16)

# Read as the tests are collected: no other test shall see what is set outside.
SERVER_URL = os.environ.get("PAGELENS_TEST_QDRANT_URL")
SERVER_KEY = os.environ.get("PAGELENS_TEST_QDRANT_API_KEY")

# Vectors rest as float16, whose rounding is at most 5e-4 of a value.
SCORE_TOLERANCE = 1e-3
BOX_TOLERANCE = 1 / 65_534


@contextmanager
def edge_storage(folder: Path, layout: IndexLayout = LAYOUT):
    yield lambda *prefetch_pages: EdgeIndex(folder / "index", layout, *prefetch_pages)


@contextmanager
def rest_storage(folder: Path, layout: IndexLayout = LAYOUT):
    with serve_local_qdrant() as url:
        yield lambda *prefetch_pages: QdrantIndex(
            connect(url), "pages", layout, place_options(url, *prefetch_pages)
        )


def place_options(place: str, prefetch_pages: int = PREFETCH_PAGES) -> ServerOptions:
    return ServerOptions(place, prefetch_pages=prefetch_pages)


@contextmanager
def server_storage(folder: Path, layout: IndexLayout = LAYOUT):
    """A collection of its own, gone afterwards."""
    collection = f"pagelens-test-{uuid4().hex}"
    yield lambda *prefetch_pages: QdrantIndex(
        connect(SERVER_URL, SERVER_KEY),
        collection,
        layout,
        place_options(SERVER_URL, *prefetch_pages),
    )
    connect(SERVER_URL, SERVER_KEY).delete_collection(collection)


# Each gives what opens one and the same storage, as often as it is called.
BACKENDS = {"edge": edge_storage, "rest": rest_storage}
if SERVER_URL:
    BACKENDS["server"] = server_storage


@pytest.fixture(params=BACKENDS)
def open_index(request, tmp_path):
    """Opens the same storage each time it is called."""
    opened: list[PageIndex] = []
    with BACKENDS[request.param](tmp_path) as open_storage:

        def open_again(*prefetch_pages):
            for index in opened:
                index.close()
            opened[:] = [open_storage(*prefetch_pages)]
            return opened[0]

        yield open_again
        for index in opened:
            index.close()


@pytest.fixture(scope="module", params=BACKENDS)
def shared_index(request, tmp_path_factory):
    with BACKENDS[request.param](tmp_path_factory.mktemp("shared")) as open_storage:
        index = open_storage()
        yield index
        index.close()


@pytest.fixture
def index(shared_index):
    """An empty index; making one anew for each test would take most of the suite's time."""
    yield shared_index
    shared_index.delete_documents({document_id for document_id, _ in shared_index.list_pages()})
    assert shared_index.count() == 0


def unit_vectors(seed: int, n: int, dim: int = DIM) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_embedding(seed: int, n_vectors: int = 20, dim: int = DIM) -> PageEmbedding:
    corners = np.sort(np.random.default_rng(seed).random((n_vectors, 2, 2)), axis=1)
    return PageEmbedding(
        unit_vectors(seed, n_vectors, dim).astype(np.float16),
        corners.reshape(n_vectors, 4).astype(np.float32),
    )


def make_page(
    document_id: str,
    page_index: int = 0,
    seed: int = 0,
    kind: Kind = Kind.PAGE,
    text: str = "",
    tags: tuple[str, ...] = (),
    added_at: datetime = datetime(2026, 5, 1, tzinfo=timezone.utc),
) -> IndexedPage:
    return IndexedPage(
        document_id=document_id,
        document=f"{document_id}.pdf",
        page_index=page_index,
        kind=kind,
        added_at=added_at,
        embedding=make_embedding(seed, n_vectors=5 + seed % 30),
        words=tuple(Word(word, Box(0.1, 0.1, 0.2, 0.2)) for word in text.split()),
        tags=tags,
    )


def make_query(seed: int, n_tokens: int = 6, dim: int = DIM) -> QueryEmbedding:
    return QueryEmbedding(
        unit_vectors(seed, n_tokens, dim), ("token",) * n_tokens, (True,) * n_tokens
    )


def found_pages(index, query, page_filter=ALL_PAGES, limit=50):
    return [(p.document_id, p.page_index) for p in index.search(query, limit, page_filter)]


def test_ranks_pages_by_exact_maxsim(index):
    pages = [make_page(f"doc{i}", page_index=i % 3, seed=100 + i) for i in range(25)]
    index.upsert(pages)
    for seed in range(5):
        query = make_query(seed)
        exact = {(p.document_id, p.page_index): score_maxsim(query, p.embedding) for p in pages}
        found = index.search(query, 10)
        scores = [exact[page.document_id, page.page_index] for page in found]
        np.testing.assert_allclose([page.score for page in found], scores, atol=SCORE_TOLERANCE)
        # Whoever stands at a rank scores as the page that belongs there, but for rounding.
        best = sorted(exact.values(), reverse=True)[:10]
        np.testing.assert_allclose(scores, best, atol=SCORE_TOLERANCE)


def test_a_hit_names_its_document_page_and_kind(index):
    index.upsert([make_page("doc", page_index=4, seed=1, kind=Kind.PHOTO)])
    (found,) = index.search(make_query(1), 10)
    assert (found.document_id, found.document) == ("doc", "doc.pdf")
    assert (found.page_index, found.kind) == (4, Kind.PHOTO)


def test_an_empty_index_finds_nothing(index):
    assert index.search(make_query(1), 10) == []
    assert index.count() == 0


def test_a_query_without_vectors_finds_nothing(index):
    index.upsert([make_page("doc")])
    assert index.search(make_query(1, n_tokens=0), 10) == []


def test_the_limit_is_kept(index):
    index.upsert([make_page("doc", i, seed=i) for i in range(8)])
    assert len(index.search(make_query(1), 3)) == 3


def test_storing_a_page_twice_changes_nothing(index):
    pages = [make_page("doc", i, seed=i) for i in range(3)]
    index.upsert(pages)
    before = index.search(make_query(1), 10)
    index.upsert(pages)
    assert index.count() == 3
    assert index.search(make_query(1), 10) == before


def test_a_page_stored_again_replaces_the_old_one(index):
    index.upsert([make_page("doc", seed=1)])
    index.upsert([replace(make_page("doc", seed=2), document="renamed.pdf")])
    (stored,) = index.fetch([("doc", 0)])
    np.testing.assert_array_equal(stored.vectors, make_embedding(2, 7).vectors)
    (found,) = index.search(make_query(1), 10)
    assert found.document == "renamed.pdf"


def test_deletes_every_page_of_a_document_and_no_other(index):
    index.upsert([make_page("gone", i, seed=i) for i in range(3)] + [make_page("kept", seed=9)])
    index.delete_documents(["gone", "never stored"])
    assert found_pages(index, make_query(1)) == [("kept", 0)]
    assert index.fetch([("gone", 1)]) == [None]
    assert index.count() == 1


def test_a_document_is_given_other_tags_and_is_else_as_it_was(index):
    index.upsert([make_page("report", tags=("10-K",)), make_page("letter", seed=2)])
    index.write_tags("report", ["10-K", "2021"])
    assert index.count(PageFilter(tags=frozenset({"2021"}))) == 1
    assert index.count(PageFilter(tags=frozenset({"10-K"}), documents=frozenset({"report"}))) == 1
    assert len(found_pages(index, make_query(1))) == 2
    index.write_tags("never stored", ["2021"])
    assert index.count(PageFilter(tags=frozenset({"2021"}))) == 1


def test_deleting_no_document_deletes_nothing(index):
    index.upsert([make_page("kept")])
    index.delete_documents([])
    assert index.count() == 1


@pytest.mark.parametrize(
    ("page_filter", "expected"),
    [
        (PageFilter(), {"report", "letter", "photo"}),
        (PageFilter(documents=frozenset({"report"})), {"report"}),
        (PageFilter(documents=frozenset({"report", "photo"})), {"report", "photo"}),
        (PageFilter(documents=frozenset()), set()),
        (PageFilter(excluded=frozenset({"report"})), {"letter", "photo"}),
        (PageFilter(kind=Kind.PHOTO), {"photo"}),
        (PageFilter(kind=Kind.PAGE), {"report", "letter"}),
        (PageFilter(kind=Kind.PAGE, excluded=frozenset({"letter"})), {"report"}),
        (PageFilter(documents=frozenset({"letter"}), kind=Kind.PHOTO), set()),
    ],
)
def test_filters_what_is_searched(index, page_filter, expected):
    index.upsert(
        [
            make_page("report", seed=1),
            make_page("letter", seed=2),
            make_page("photo", seed=3, kind=Kind.PHOTO),
        ]
    )
    assert {document for document, _ in found_pages(index, make_query(1), page_filter)} == expected
    assert index.count(page_filter) == len(expected)


def test_a_filter_is_applied_before_the_limit(index):
    pages = [make_page(f"doc{i}", seed=i) for i in range(20)]
    index.upsert(pages)
    ranked = found_pages(index, make_query(1))
    worst = ranked[-1][0]
    only_worst = PageFilter(documents=frozenset({worst}))
    assert found_pages(index, make_query(1), only_worst, limit=1) == [(worst, 0)]


def test_gives_back_vectors_and_boxes_as_they_were_stored(index):
    page = make_page("doc", seed=5)
    index.upsert([page])
    (stored,) = index.fetch([("doc", 0)])
    np.testing.assert_array_equal(stored.vectors, page.embedding.vectors)
    np.testing.assert_allclose(stored.boxes, page.embedding.boxes, atol=BOX_TOLERANCE)
    assert stored.grid is None


def test_gives_back_grids_and_vectors_without_a_place(index):
    boxes = np.full((7, 4), np.nan, dtype=np.float32)
    boxes[:6] = [0.0, 0.25, 0.5, 1.0]
    embedding = PageEmbedding(unit_vectors(3, 7).astype(np.float16), boxes, grid=(2, 3))
    index.upsert([replace(make_page("doc"), embedding=embedding)])
    (stored,) = index.fetch([("doc", 0)])
    assert stored.grid == (2, 3)
    np.testing.assert_allclose(stored.boxes, boxes, atol=BOX_TOLERANCE, equal_nan=True)


def test_fetches_in_the_order_asked_and_none_for_an_unknown_page(index):
    index.upsert([make_page("doc", 0, seed=1), make_page("doc", 1, seed=2)])
    second, unknown, first = index.fetch([("doc", 1), ("nowhere", 0), ("doc", 0)])
    assert unknown is None
    assert (len(first.vectors), len(second.vectors)) == (6, 7)


def test_a_page_without_vectors_is_passed_over(index):
    empty = PageEmbedding(np.empty((0, DIM), np.float16), np.empty((0, 4), np.float32))
    index.upsert([replace(make_page("blank"), embedding=empty), make_page("doc", seed=1)])
    assert found_pages(index, make_query(1)) == [("doc", 0)]


def test_refuses_a_batch_with_a_page_of_another_dimension(index):
    wrong = replace(make_page("wrong"), embedding=make_embedding(1, dim=48))
    with pytest.raises(InvalidEmbedding, match=r"48.*32"):
        index.upsert([make_page("right", seed=1), wrong])
    assert index.count() == 0


def test_refuses_a_page_with_more_numbers_than_qdrant_takes(index):
    most = 1_048_576 // DIM
    vectors = np.tile(unit_vectors(1, 8).astype(np.float16), (most // 8, 1))
    embedding = PageEmbedding(vectors, np.zeros((most, 4), np.float32))
    too_large = replace(make_page("wall", page_index=1), embedding=embedding)
    with pytest.raises(InvalidEmbedding, match=r"wall.pdf, page 2 has 1,048,576.*than 1,048,576"):
        index.upsert([make_page("right", seed=1), too_large])
    assert index.count() == 0


def test_refuses_a_query_of_another_dimension(index):
    index.upsert([make_page("doc")])
    with pytest.raises(InvalidEmbedding, match=r"48.*32"):
        index.search(make_query(1, dim=48), 10)


def test_an_index_opened_again_holds_what_it_held(open_index):
    index = open_index()
    pages = [make_page("doc", i, seed=i) for i in range(4)]
    index.upsert(pages)
    index.optimize()
    before = index.search(make_query(1), 10)
    index = open_index()
    assert index.count() == 4
    assert index.search(make_query(1), 10) == before
    stored = index.fetch([("doc", i) for i in range(4)])
    for page, embedding in zip(pages, stored, strict=True):
        np.testing.assert_array_equal(embedding.vectors, page.embedding.vectors)


def find_words(index, question, page_filter=ALL_PAGES, limit=10):
    return [
        page.document_id
        for page in index.search_words(weigh_question(question), limit, page_filter)
    ]


def test_words_are_ranked_by_bm25(index):
    index.upsert(
        [
            make_page("rare", text="the annual report of the pump factory"),
            make_page("twice", seed=1, text="pump after pump was sold in the year"),
            make_page("common", seed=2, text="the annual report of the year"),
            make_page("other", seed=3, text="the annual letter of nobody"),
        ]
    )
    # A term that few pages hold counts more than one that nearly all do.
    found = find_words(index, "annual pump")
    assert (found[0], set(found[2:])) == ("rare", {"common", "other"})
    assert found[1] == "twice"
    assert find_words(index, "pumps")[0] == "twice"
    assert find_words(index, "nothing of that kind is here") == []


def test_bm25_scores_are_those_of_the_formula(open_index):
    index = open_index()
    texts = ["pump valve", "pump pump seal", "seal ring"]
    index.upsert([make_page(f"doc{i}", seed=i, text=text) for i, text in enumerate(texts)])
    found = {
        page.document_id: page.score for page in index.search_words(weigh_question("pump seal"), 10)
    }
    idf = np.log(1 + (3 - 2 + 0.5) / (2 + 0.5))  # both terms stand on two of three pages

    def saturate(n, n_terms):
        return n * 2.2 / (n + 1.2 * (0.25 + 0.75 * n_terms / 200))

    assert found["doc0"] == pytest.approx(idf * saturate(1, 2), rel=1e-3)
    assert found["doc1"] == pytest.approx(idf * (saturate(2, 3) + saturate(1, 3)), rel=1e-3)
    assert found["doc2"] == pytest.approx(idf * saturate(1, 2), rel=1e-3)


def test_codes_numbers_and_names_are_found_exactly(index):
    index.upsert(
        [
            make_page("valve", text="Valve RX-480b, 12.5 bar"),
            make_page("other valve", seed=1, text="Valve RX-480c, 13.5 bar"),
            make_page("invoice", seed=2, text="Total due: 1,234.50 EUR to Zoë Müller-Lüdenscheidt"),
        ]
    )
    assert find_words(index, "rx-480B")[0] == "valve"
    assert find_words(index, "RX-480c")[0] == "other valve"
    assert find_words(index, "12.5bar")[0] == "valve"
    assert find_words(index, "1234.50") == ["invoice"]
    assert find_words(index, "zoe muller") == ["invoice"]


def test_a_page_that_has_words_alone_is_found_by_them(index):
    empty = PageEmbedding(np.empty((0, DIM), np.float16), np.empty((0, 4), np.float32))
    index.upsert([replace(make_page("words", text="lighthouse keeper"), embedding=empty)])
    assert find_words(index, "lighthouse") == ["words"]
    assert found_pages(index, make_query(1)) == []
    assert index.fetch([("words", 0)]) == [None]


def test_words_come_back_as_they_were_written(index):
    words = (Word("Total\u00a0due:", Box(0.1, 0.2, 0.3, 0.25)), Word("5", Box(0.4, 0.2, 0.5, 0.25)))
    index.upsert([replace(make_page("doc"), words=words), make_page("wordless", seed=1)])
    found, wordless, unknown = index.fetch_texts([("doc", 0), ("wordless", 0), ("nowhere", 3)])
    assert (found, wordless, unknown) == (("Total\u00a0due:", "5"), (), ())
    found, wordless, unknown = index.fetch_words([("doc", 0), ("wordless", 0), ("nowhere", 3)])
    assert [word.text for word in found] == ["Total\u00a0due:", "5"]
    np.testing.assert_allclose(
        [word.box for word in found], [word.box for word in words], atol=BOX_TOLERANCE
    )
    assert (wordless, unknown) == ((), ())


def test_vectors_that_stand_at_words_come_back_with_the_boxes_of_those_words(index):
    words = tuple(Word(f"word{i}", Box(i / 10, 0.1, i / 10 + 0.05, 0.2)) for i in range(9))
    at = [0, 0, 3, 1, 8, 8, 2]
    boxes = np.array([words[i].box for i in at], dtype=np.float32)
    embedding = PageEmbedding(unit_vectors(3, len(at)).astype(np.float16), boxes)
    index.upsert([replace(make_page("doc"), words=words, embedding=embedding)])
    (stored,) = index.fetch([("doc", 0)])
    np.testing.assert_allclose(stored.boxes, boxes, atol=BOX_TOLERANCE)


MAY = datetime(2026, 5, 1, tzinfo=timezone.utc)
JUNE = datetime(2026, 6, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("page_filter", "expected"),
    [
        (PageFilter(tags=frozenset({"tax"})), {("old", 0), ("old", 5)}),
        (PageFilter(tags=frozenset({"tax", "travel"})), {("old", 0), ("old", 5), ("new", 1)}),
        (PageFilter(pages=(2, None)), {("old", 5), ("new", 1)}),
        (PageFilter(pages=(None, 2)), {("old", 0), ("new", 1)}),
        (PageFilter(pages=(1, 1)), {("old", 0)}),
        (PageFilter(added=(JUNE, None)), {("new", 1)}),
        (PageFilter(added=(None, MAY)), {("old", 0), ("old", 5)}),
        (PageFilter(added=(MAY, JUNE), pages=(6, 6)), {("old", 5)}),
    ],
)
def test_filters_by_tag_page_range_and_date_in_every_search(index, page_filter, expected):
    old = {"tags": ("tax", "2026"), "added_at": MAY, "text": "income"}
    index.upsert(
        [
            make_page("old", 0, seed=1, **old),
            make_page("old", 5, seed=2, **old),
            make_page("new", 1, seed=3, tags=("travel",), added_at=JUNE, text="income"),
        ]
    )
    assert set(found_pages(index, make_query(1), page_filter)) == expected
    by_words = index.search_words(weigh_question("income"), 10, page_filter)
    assert {(page.document_id, page.page_index) for page in by_words} == expected
    assert index.count(page_filter) == len(expected)


def test_lists_every_page(index):
    assert index.list_pages() == set()
    index.upsert([make_page("doc", i, seed=i) for i in range(3)] + [make_page("other", 7)])
    assert index.list_pages() == {("doc", 0), ("doc", 1), ("doc", 2), ("other", 7)}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda v: np.where(np.arange(DIM) == 3, np.nan, v), id="nan"),
        pytest.param(lambda v: np.where(np.arange(DIM) == 3, np.inf, v), id="infinite"),
        pytest.param(lambda v: v * 1.5, id="too long"),
        pytest.param(lambda v: v * 0, id="zero"),
        pytest.param(lambda v: v[0], id="one vector, not a list of them"),
        pytest.param(lambda v: v.astype(np.float32), id="float32"),
    ],
)
def test_an_embedding_with_bad_vectors_cannot_be_made(damage):
    vectors = unit_vectors(1, 4).astype(np.float16)
    damaged = damage(vectors)
    if damaged.dtype == np.float64:
        damaged = damaged.astype(np.float16)
    with pytest.raises(InvalidEmbedding):
        PageEmbedding(damaged, np.zeros((4, 4), np.float32))


def test_an_embedding_has_a_box_for_each_vector():
    with pytest.raises(InvalidEmbedding, match=r"3, 4.*4, 4"):
        PageEmbedding(unit_vectors(1, 4).astype(np.float16), np.zeros((3, 4), np.float32))


def test_a_grid_has_no_more_patches_than_vectors():
    with pytest.raises(InvalidEmbedding, match="grid"):
        PageEmbedding(
            unit_vectors(1, 4).astype(np.float16), np.zeros((4, 4), np.float32), grid=(2, 3)
        )


def make_photo(document_id: str, seed: int, dim: int = 8, n_vectors: int = 0) -> IndexedPage:
    """A photo with a photo vector, and page vectors only if it bears words."""
    page = make_page(document_id, seed=seed, kind=Kind.PHOTO)
    embedding = make_embedding(seed, n_vectors)
    photo = unit_vectors(seed + 100, 1, dim)[0].astype(np.float16)
    return replace(page, embedding=embedding, photo=photo)


def test_photos_are_ranked_by_the_dot_product_of_their_vectors(open_index):
    index = open_index()
    photos = [make_photo(f"photo-{i}", i) for i in range(6)]
    index.upsert([*photos, make_page("report", seed=50)])
    query = unit_vectors(7, 1, 8)[0]
    found = index.search_photos(query, 4)
    expected = sorted(photos, key=lambda photo: -float(photo.photo.astype(np.float32) @ query))
    assert [hit.document_id for hit in found] == [photo.document_id for photo in expected[:4]]
    assert found[0].score == pytest.approx(
        float(expected[0].photo.astype(np.float32) @ query), abs=SCORE_TOLERANCE
    )
    assert {hit.kind for hit in index.search_photos(query, 10)} == {Kind.PHOTO}
    assert len(index.search_photos(query, 10)) == 6


def test_pages_are_searched_without_the_photos_that_bear_no_word(open_index):
    index = open_index()
    index.upsert(
        [make_page("report"), make_photo("bare", 1), make_photo("with-words", 2, n_vectors=3)]
    )
    found = index.search(make_query(0), 10)
    assert {hit.document_id for hit in found} == {"report", "with-words"}
    assert index.count() == 3


def test_an_index_without_photos_finds_none(index):
    index.upsert([make_page("report")])
    assert index.search_photos(unit_vectors(7, 1, 8)[0], 5) == []
    assert index.fetch_photo("report", 0) is None


def test_photo_vectors_come_back_also_after_opening_again(open_index):
    index = open_index()
    photo = make_photo("photo", 3)
    index.upsert([photo])
    index.optimize()
    for reopen in (False, True):
        opened = open_index() if reopen else index
        np.testing.assert_allclose(opened.fetch_photo("photo", 0), photo.photo, atol=1e-3)
        assert opened.fetch([("photo", 0)]) == [None]
        assert [hit.document_id for hit in opened.search_photos(unit_vectors(7, 1, 8)[0], 5)] == [
            "photo"
        ]
    opened.upsert([make_photo("another", 4)])
    assert len(opened.search_photos(unit_vectors(7, 1, 8)[0], 5)) == 2


def test_photos_are_filtered_and_deleted_like_pages(open_index):
    index = open_index()
    index.upsert([make_photo("first", 1), make_photo("second", 2)])
    query = unit_vectors(7, 1, 8)[0]
    only = index.search_photos(query, 5, PageFilter(documents=frozenset({"second"})))
    assert [hit.document_id for hit in only] == ["second"]
    index.delete_documents({"first"})
    assert [hit.document_id for hit in index.search_photos(query, 5)] == ["second"]


def make_sound(document_id: str, seed: int, n_windows: int) -> IndexedPage:
    """A recording: the vectors of its windows, and nothing to read."""
    page = make_page(document_id, seed=seed, kind=Kind.SOUND)
    windows = unit_vectors(seed + 200, n_windows, 6).astype(np.float16)
    return replace(page, embedding=make_embedding(seed, 0), words=(), sound=windows)


def test_recordings_are_ranked_by_their_best_window(open_index):
    index = open_index()
    sounds = [make_sound(f"sound-{i}", i, n_windows=1 + i % 3) for i in range(6)]
    index.upsert([*sounds, make_page("report", seed=50), make_photo("photo", 60)])
    query = unit_vectors(9, 1, 6)
    found = index.search_sounds(query, 10)
    best = {each.document_id: (each.sound.astype(np.float32) @ query[0]).max() for each in sounds}
    assert [hit.document_id for hit in found] == sorted(best, key=lambda name: -best[name])
    assert found[0].score == pytest.approx(max(best.values()), abs=SCORE_TOLERANCE)
    assert {hit.kind for hit in found} == {Kind.SOUND}
    kept = PageFilter(documents=frozenset({"sound-4"}))
    assert [hit.document_id for hit in index.search_sounds(query, 10, kept)] == ["sound-4"]
    assert index.count(PageFilter(kind=Kind.SOUND)) == 6


def test_sound_vectors_come_back_also_after_opening_again(open_index):
    index = open_index()
    assert index.search_sounds(unit_vectors(9, 1, 6), 5) == []
    assert index.fetch_sound("sound", 0) is None
    sound = make_sound("sound", 3, n_windows=2)
    index.upsert([sound, make_page("report")])
    index.optimize()
    for reopen in (False, True):
        opened = open_index() if reopen else index
        np.testing.assert_allclose(opened.fetch_sound("sound", 0), sound.sound, atol=1e-3)
        assert opened.fetch_sound("report", 0) is None
    opened.delete_documents({"sound"})
    assert opened.search_sounds(unit_vectors(9, 1, 6), 5) == []


@pytest.mark.parametrize("spoilt", [np.nan, 3.0])
def test_a_photo_vector_that_breaks_the_contract_stores_nothing(open_index, spoilt):
    index = open_index()
    bad = make_photo("bad", 1)
    bad.photo[0] = spoilt
    with pytest.raises(InvalidEmbedding):
        index.upsert([make_page("report"), bad])
    assert index.count() == 0


def test_photos_of_another_space_are_refused(open_index):
    index = open_index()
    index.upsert([make_photo("photo", 1, dim=8)])
    with pytest.raises(IndexFailed):
        index.upsert([make_photo("other", 2, dim=9)])
    assert index.count() == 1


def clustered_page(document_id, topic, seed):
    """A page whose vectors lie around those of its topic, as words of one subject do."""
    vectors = unit_vectors(topic, 12) + 0.5 * unit_vectors(1_000 + seed, 12)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    boxes = np.full((12, 4), 0.5, dtype=np.float32)
    return replace(
        make_page(document_id), embedding=PageEmbedding(vectors.astype(np.float16), boxes)
    )


def ask_topic(topic):
    return QueryEmbedding(unit_vectors(topic, 12)[:5], ("token",) * 5, (True,) * 5)


def test_a_first_stage_finds_the_candidates_that_maxsim_then_ranks(open_index):
    index = open_index(30)
    index.upsert([clustered_page(f"doc{i}", topic=i % 20, seed=i) for i in range(200)])
    shown = []
    codebook = build_first_stage(index, lambda done, total: shown.append((done, total)))
    assert shown[-1] == (200, 200)
    index.use_codebook(codebook)
    recalls = []
    for topic in range(20):
        exact = {
            page.document_id: page.score for page in index.search(ask_topic(topic), 10, exact=True)
        }
        found = index.search(ask_topic(topic), 10)
        recalls.append(len({page.document_id for page in found} & exact.keys()) / 10)
        for page in found:
            if page.document_id in exact:
                assert page.score == pytest.approx(exact[page.document_id], abs=SCORE_TOLERANCE)
    assert np.mean(recalls) > 0.95


def test_pages_that_come_after_the_first_stage_are_found_by_it(open_index):
    index = open_index()
    index.upsert([clustered_page(f"doc{i}", topic=i % 20, seed=i) for i in range(100)])
    index.use_codebook(build_first_stage(index, lambda done, total: None))
    index.upsert([clustered_page("later", topic=3, seed=9_000)])
    only = PageFilter(documents=frozenset({"later"}))
    assert [page.document_id for page in index.search(ask_topic(3), 5, only)] == ["later"]


def test_an_index_without_a_codebook_searches_exactly(open_index):
    index = open_index(1)
    index.upsert([clustered_page(f"doc{i}", topic=i % 4, seed=i) for i in range(40)])
    codebook = build_first_stage(index, lambda done, total: None)
    exact = index.search(ask_topic(3), 1, exact=True)
    index.use_codebook(codebook)
    assert len(index.search(ask_topic(3), 1)) == 1
    index.use_codebook(None)
    assert index.search(ask_topic(3), 1) == exact


@pytest.mark.parametrize(
    ("n_pages", "n_pages_fitted", "wants"),
    [(1_999, 0, False), (2_000, 0, True), (7_999, 2_000, False), (8_000, 2_000, True)],
)
def test_a_codebook_is_fitted_when_pages_are_many_and_again_when_they_are_many_more(
    n_pages, n_pages_fitted, wants
):
    assert wants_codebook(n_pages, n_pages_fitted) == wants


def test_a_snapshot_is_an_embedded_index_that_holds_the_same(open_index, tmp_path):
    index = open_index()
    pages = [make_page(f"report-{i}", i % 3, seed=i, text=f"harbour fee {i}") for i in range(40)]
    index.upsert([*pages, make_photo("photo", 3), make_sound("sound", 4, n_windows=2)])
    index.upsert([replace(make_page("tagged"), tags=("10-K",))])
    index.delete_documents(["report-7"])
    # BM25 counts what was deleted until the index is opened again.
    index = open_index()
    codebook = build_first_stage(index, lambda done, total: None)
    index.use_codebook(codebook)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    copy_library(index.snapshot(scratch), tmp_path / "copy")
    with closing(EdgeIndex(tmp_path / "copy", LAYOUT)) as copy:
        copy.use_codebook(codebook)
        stored = sorted(index.list_pages())
        assert sorted(copy.list_pages()) == stored
        for mine, theirs in zip(index.fetch(stored), copy.fetch(stored), strict=True):
            assert (mine is None) == (theirs is None)
            if mine is not None:
                assert np.array_equal(mine.vectors, theirs.vectors)
                assert np.array_equal(mine.boxes, theirs.boxes)
        assert copy.fetch_texts(stored) == index.fetch_texts(stored)
        assert np.array_equal(copy.fetch_photo("photo", 0), index.fetch_photo("photo", 0))
        terms = weigh_question("harbour 12")
        for search in (
            lambda of: of.search(make_query(3), 100),
            lambda of: of.search_words(terms, 100),
            lambda of: of.search_photos(unit_vectors(7, 1, 8)[0], 100),
            lambda of: of.search_sounds(unit_vectors(7, 1, 6), 100),
            lambda of: of.search(make_query(3), 100, PageFilter(tags=frozenset({"10-K"}))),
        ):
            found, same = (
                {(page.document_id, page.page_index): page.score for page in search(each)}
                for each in (index, copy)
            )
            assert found
            assert same == pytest.approx(found, abs=SCORE_TOLERANCE)
    # And the index can be written to as before.
    index.upsert([make_page("afterwards")])
    assert index.count() == len(stored) + 1
