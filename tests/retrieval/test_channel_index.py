"""What every vector index does with the channels of text encoders; see `test_index_contract`."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from retrieval.errors import IndexMismatch, InvalidEmbedding
from retrieval.index.base import ALL_PAGES, PageFilter
from retrieval.index.channels import MULTI_VECTOR_NUMBERS, POINT_NUMBERS, count_numbers
from retrieval.index.connection import connect
from retrieval.index.edge import EdgeIndex
from retrieval.index.points import build_points
from retrieval.index.requests import compile_point, estimate_bytes
from retrieval.index.server import QdrantIndex, ServerOptions
from retrieval.lexical import SparseVector
from retrieval.records import PageEmbedding
from retrieval.text_encoders.base import NO_TEXT, Channel, TextEmbedding
from retrieval.text_encoders.channels import ChannelSpace
from tests.libraries import copy_library
from tests.qdrant_local import serve_local_qdrant
from tests.retrieval.test_index_contract import (
    BACKENDS,
    DIM,
    LAYOUT,
    SCORE_TOLERANCE,
    make_page,
    make_query,
    unit_vectors,
)

DENSE_DIM, TOKEN_DIM = 24, 16
SPACES = (
    ChannelSpace(Channel.DENSE, DENSE_DIM, "dense@1"),
    ChannelSpace(Channel.TOKENS, TOKEN_DIM, "tokens@1"),
    ChannelSpace(Channel.TERMS, 0, "terms@1"),
)
CHANNEL_LAYOUT = replace(LAYOUT, channels=SPACES)

SERVER_REQUEST_BYTES = 32_000_000


@pytest.fixture(scope="module", params=BACKENDS)
def shared_index(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("channels")
    with BACKENDS[request.param](folder, CHANNEL_LAYOUT) as open_storage:
        index = open_storage()
        yield index
        index.close()


@pytest.fixture
def index(shared_index):
    """An empty index, which is made once for each backend."""
    yield shared_index
    shared_index.delete_documents({document_id for document_id, _ in shared_index.list_pages()})


def embed(seed, n_passages=2, n_tokens=7, terms=((3, 1.0), (8, 0.5))):
    """What text encoders might make of a page or, with one passage, of a question."""
    return TextEmbedding(
        dense=unit_vectors(seed, n_passages, DENSE_DIM),
        tokens=unit_vectors(seed + 500, n_tokens, TOKEN_DIM),
        terms=SparseVector(tuple(i for i, _ in terms), tuple(w for _, w in terms)),
    )


def make_read_page(document_id, seed, page_index=0, **given):
    page = make_page(document_id, page_index, seed=seed, text="some words")
    return replace(page, channels=embed(seed, **given))


def find(index, channel, query, limit=10, page_filter=ALL_PAGES):
    found = index.search_channel(channel, query, limit, page_filter)
    return {page.document_id: page.score for page in found}


def test_dense_vectors_rank_a_page_by_its_best_passage(index):
    pages = [make_read_page(f"doc{i}", i, n_passages=1 + i % 4) for i in range(12)]
    index.upsert(pages)
    query = embed(77, n_passages=1)
    exact = {p.document_id: float((p.channels.dense @ query.dense[0]).max()) for p in pages}
    best = sorted(exact, key=exact.get, reverse=True)[:5]
    found = find(index, Channel.DENSE, query, limit=5)
    assert list(found) == best
    assert found == pytest.approx({name: exact[name] for name in best}, abs=SCORE_TOLERANCE)


def test_vectors_of_tokens_rank_pages_by_maxsim(index):
    pages = [make_read_page(f"doc{i}", i, n_tokens=3 + i) for i in range(12)]
    index.upsert(pages)
    query = embed(77, n_tokens=4)
    exact = {
        p.document_id: float((query.tokens @ p.channels.tokens.T).max(axis=1).sum()) for p in pages
    }
    best = sorted(exact, key=exact.get, reverse=True)[:5]
    found = find(index, Channel.TOKENS, query, limit=5)
    assert list(found) == best
    assert found == pytest.approx(
        {name: exact[name] for name in best}, abs=len(query.tokens) * SCORE_TOLERANCE
    )


def test_terms_rank_the_pages_that_share_one_by_their_weights_alone(index):
    index.upsert(
        [
            make_read_page("both", 1, terms=((3, 1.5), (30_000, 2.0))),
            make_read_page("one", 2, terms=((3, 2.5), (9, 1.0))),
            make_read_page("other", 3, terms=((9, 4.0),)),
            make_read_page("none", 4, terms=()),
        ]
    )
    asked = embed(77, terms=((3, 0.5), (30_000, 1.0)))
    # However rare a term is: the weights were learned with that in mind.
    assert find(index, Channel.TERMS, asked) == pytest.approx({"both": 2.75, "one": 1.25})


def test_pages_without_words_and_questions_without_vectors_are_in_no_channel(index):
    index.upsert([make_read_page("read", 1), make_page("scan", seed=2)])
    for channel in Channel:
        assert set(find(index, channel, embed(77))) == {"read"}
        assert find(index, channel, NO_TEXT) == {}
    assert len(index.search(make_query(1), 10)) == 2


def test_a_page_that_channels_alone_know_is_stored_and_found(index):
    empty = PageEmbedding(np.empty((0, DIM), np.float16), np.empty((0, 4), np.float32))
    index.upsert([replace(make_read_page("terse", 1), embedding=empty, words=())])
    assert index.list_pages() == {("terse", 0)}
    assert set(find(index, Channel.DENSE, embed(77))) == {"terse"}
    assert index.search(make_query(1), 10) == []


@pytest.mark.parametrize("channel", Channel)
def test_channels_are_filtered_replaced_and_deleted_like_pages(index, channel):
    index.upsert([make_read_page("report", 1, page_index=i) for i in range(3)])
    index.upsert([make_read_page("letter", 2), make_read_page("gone", 3)])
    index.delete_documents(["gone"])
    first = PageFilter(pages=(1, 1))
    assert set(find(index, channel, embed(77), page_filter=first)) == {"report", "letter"}
    found = index.search_channel(channel, embed(77), 10, PageFilter(excluded=frozenset({"letter"})))
    assert sorted(page.page_index for page in found) == [0, 1, 2]
    assert all(page.document == "report.pdf" and page.has_words for page in found)
    before = find(index, channel, embed(77), page_filter=first)
    index.upsert([make_read_page("letter", 40, terms=((3, 9.0),))])
    after = find(index, channel, embed(77), page_filter=first)
    assert after["report"] == before["report"]
    assert after["letter"] != before["letter"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (TextEmbedding(dense=unit_vectors(1, 2, 8)), r"dense.* 8 .*24"),
        (TextEmbedding(tokens=unit_vectors(1, 2, 8)), r"tokens.* 8 .*16"),
        (TextEmbedding(dense=2 * unit_vectors(1, 2, DENSE_DIM)), r"length 2"),
        (TextEmbedding(terms=SparseVector((1,), (float("nan"),))), r"terms is not finite"),
    ],
)
def test_what_breaks_the_contract_of_a_channel_stores_nothing_and_finds_nothing(
    index, wrong, named
):
    with pytest.raises(InvalidEmbedding, match=named):
        index.upsert([make_read_page("right", 1), replace(make_page("wrong"), channels=wrong)])
    assert index.count() == 0
    channel = next(channel for channel in Channel if wrong.of(channel) is not None)
    with pytest.raises(InvalidEmbedding, match=named):
        index.search_channel(channel, wrong, 10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_channels_are_there_after_opening_again_and_in_a_snapshot(backend, tmp_path):
    pages = [make_read_page(f"doc{i}", i) for i in range(20)]
    with BACKENDS[backend](tmp_path, CHANNEL_LAYOUT) as open_storage:
        with closing(open_storage()) as index:
            index.upsert([*pages, make_page("scan", seed=50)])
            index.optimize()
            before = {channel: find(index, channel, embed(77), 30) for channel in Channel}
        with closing(open_storage()) as index:
            assert {channel: find(index, channel, embed(77), 30) for channel in Channel} == before
            scratch = tmp_path / "scratch"
            scratch.mkdir()
            copy_library(index.snapshot(scratch), tmp_path / "copy")
        with closing(EdgeIndex(tmp_path / "copy", CHANNEL_LAYOUT)) as copy:
            for channel in Channel:
                copied = find(copy, channel, embed(77), 30)
                assert copied == pytest.approx(before[channel], abs=SCORE_TOLERANCE)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_index_without_channels_has_none_and_takes_none(backend, tmp_path):
    with (
        BACKENDS[backend](tmp_path) as open_storage,
        closing(open_storage()) as index,
    ):
        index.upsert([make_page("doc", text="some words")])
        for channel in Channel:
            assert index.search_channel(channel, embed(77), 10) == []
        with pytest.raises(InvalidEmbedding, match="no dense vectors"):
            index.upsert([make_read_page("read", 1)])


def test_a_collection_names_the_encoder_of_each_channel_and_refuses_others():
    with serve_local_qdrant() as url:

        def open_with(*spaces):
            layout = replace(LAYOUT, channels=spaces)
            return QdrantIndex(connect(url), "pages", layout, ServerOptions(url))

        open_with(*SPACES).close()
        other = replace(SPACES[0], encoder_key="dense@2")
        with pytest.raises(IndexMismatch, match="made for dense dense@1, not for dense dense@2"):
            open_with(other, *SPACES[1:])
        with pytest.raises(IndexMismatch, match="for tokens tokens@1, not for tokens none"):
            open_with(SPACES[0], SPACES[2])
        open_with(*SPACES).close()


def test_more_tokens_than_a_point_takes_are_pooled_to_as_many_as_fit():
    """As of BGE-M3, whose tokens have 1,024 numbers, on a page of small print."""
    dim, n_topics = 1_024, 300
    topics = unit_vectors(5, n_topics, dim)
    tokens = np.repeat(topics, 5, axis=0) + 0.005 * unit_vectors(6, 5 * n_topics, dim)
    tokens = (tokens / np.linalg.norm(tokens, axis=1, keepdims=True)).astype(np.float32)
    layout = replace(LAYOUT, channels=(ChannelSpace(Channel.TOKENS, dim, "tokens@1"),))
    page = replace(make_page("wall", seed=1), channels=TextEmbedding(tokens=tokens))
    assert tokens.size > MULTI_VECTOR_NUMBERS
    (point,) = build_points([page], layout, None)
    stored = np.array(point.channels[Channel.TOKENS], np.float32)
    assert stored.size < MULTI_VECTOR_NUMBERS
    assert count_numbers(point.vectors) <= POINT_NUMBERS
    # Each topic is still there: only like ones have become one.
    assert (topics @ stored.T).max(axis=1).min() > 0.97


def test_the_largest_point_with_all_its_channels_can_be_sent():
    vectors = np.tile(
        unit_vectors(3, 64).astype(np.float16), (MULTI_VECTOR_NUMBERS // DIM // 64, 1)
    )
    vectors = vectors[:-1]
    boxes = np.random.default_rng(1).random((len(vectors), 4)).astype(np.float32)
    page = replace(
        make_read_page("wall", 1, n_passages=3_200, n_tokens=9_000),
        embedding=PageEmbedding(vectors, boxes),
    )
    (point,) = build_points([page], CHANNEL_LAYOUT, None)
    assert set(point.channels) == set(Channel)
    assert count_numbers(point.vectors) <= POINT_NUMBERS
    n_bytes = len(compile_point(point).model_dump_json().encode())
    assert n_bytes <= estimate_bytes(point)
    assert n_bytes < SERVER_REQUEST_BYTES
