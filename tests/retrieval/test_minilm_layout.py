"""What `minilm-layout` computes, against sentence-transformers running the same weights."""

import numpy as np
import pytest

from retrieval.encoders.minilm_basis import fit_basis, load_basis
from retrieval.encoders.minilm_layout import (
    OVERLAP_TOKENS,
    WINDOW_TOKENS,
    cut_windows,
    locate_weights,
)
from retrieval.encoders.stop_words import STOP_WORDS
from retrieval.encoders.stream import encode_pages
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from tests.documents import build_page

# Between 8-bit integers and the float32 of the reference: 0.9957 at least was measured on `TEXT`.
COSINE_OF_INT8 = 0.994

TEXT = "Mooring fees, as of May 2024: 12.50 EUR a day (yachts over 10 m pay twice) - no discounts!"


@pytest.fixture(scope="module")
def reference():
    """(token, unit vector in the basis) for each token of `TEXT` with a letter or a digit."""
    ensure_torchvision_imports()
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(locate_weights()), device="cpu", local_files_only=True)
    vectors = model.encode(TEXT, output_value="token_embeddings").float().cpu().numpy()
    tokens = model.tokenizer.convert_ids_to_tokens(model.tokenizer(TEXT)["input_ids"])
    assert (tokens[0], tokens[-1], len(tokens)) == ("[CLS]", "[SEP]", len(vectors))
    kept = [
        (token, (vector @ load_basis()) / np.linalg.norm(vector @ load_basis()))
        for token, vector in zip(tokens[1:-1], vectors[1:-1], strict=True)
        if any(character.isalnum() for character in token)
    ]
    return [token for token, _ in kept], np.array([vector for _, vector in kept])


def test_page_vectors_equal_the_reference(encoder, reference):
    tokens, expected = reference
    expected = expected[[token not in STOP_WORDS for token in tokens]]
    (embedding,) = encode_pages(encoder, [build_page(TEXT)])
    assert embedding.vectors.shape == expected.shape
    cosines = (embedding.vectors.astype(np.float32) * expected).sum(axis=1)
    assert cosines.min() > COSINE_OF_INT8


def test_query_vectors_equal_the_reference(encoder, reference):
    tokens, expected = reference
    query = encoder.encode_query(TEXT)
    assert len(query.tokens) == len(tokens)
    for word, piece in zip(query.tokens, tokens, strict=True):
        assert piece.removeprefix("##") in word.lower()
    assert (query.vectors * expected).sum(axis=1).min() > COSINE_OF_INT8


def test_punctuation_has_no_vector_of_its_own(encoder):
    with_marks, without = encode_pages(
        encoder, [build_page("Fees : 12 EUR ! ( daily )"), build_page("Fees 12 EUR daily")]
    )
    assert len(with_marks.vectors) == len(without.vectors)


def test_stop_words_of_a_page_have_no_vector_but_names_that_look_like_them_have(encoder):
    texts = ["The fees of the harbour", "fees harbour", "IT fees of the harbour", "it is this"]
    several, bare, named, alone = encode_pages(encoder, [build_page(text) for text in texts])
    assert len(several.vectors) == len(bare.vectors) < len(named.vectors)
    # A page of stop words alone is still found.
    assert len(alone.vectors) == 3


def test_the_basis_is_orthonormal_and_keeps_most_of_a_vector(encoder):
    basis = load_basis()
    assert basis.shape == (384, encoder.spec.dim)
    np.testing.assert_allclose(basis.T @ basis, np.eye(encoder.spec.dim), atol=2e-3)
    vectors = encoder.embed_text(TEXT * 3, 60)
    assert float(np.square(vectors @ basis).sum(axis=1).mean()) > 0.75


def test_a_basis_is_fitted_to_the_longest_directions():
    vectors = unit_rows(
        np.random.default_rng(0).normal(size=(500, 384)) * np.geomspace(1, 0.01, 384)
    )
    fitted = fit_basis(vectors.astype(np.float32)).astype(np.float32)
    kept = np.square(vectors @ fitted).sum()
    assert kept / np.square(vectors).sum() > 0.98


def unit_rows(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_stop_words_show_no_evidence_but_are_scored(encoder):
    query = encoder.encode_query("What is the fee of a yacht?")
    shown = dict(zip(query.tokens, query.shows_evidence, strict=True))
    assert shown == {
        "What": False,
        "is": False,
        "the": False,
        "fee": True,
        "of": False,
        "a": False,
        "yacht": True,
    }
    assert len(query.vectors) == 7


def test_a_word_cut_into_pieces_is_judged_as_one(encoder):
    query = encoder.encode_query("Hauptstraßenverkehrsordnung")
    assert len(query.tokens) > 1
    assert set(query.tokens) == {"Hauptstraßenverkehrsordnung"}
    assert all(query.shows_evidence)


@pytest.mark.parametrize(
    "n_tokens", [1, WINDOW_TOKENS, WINDOW_TOKENS + 1, 2 * WINDOW_TOKENS - OVERLAP_TOKENS, 999]
)
def test_windows_keep_each_token_once_and_away_from_their_edges(n_tokens):
    windows = list(cut_windows(0, list(range(n_tokens))))
    kept = [token for w in windows for token in range(*w.keep)]
    assert kept == list(range(n_tokens))
    for window in windows:
        end = window.start + len(window.token_ids)
        assert window.token_ids == list(range(window.start, end))
        assert len(window.token_ids) <= WINDOW_TOKENS
        assert window.keep[0] - window.start in (0, OVERLAP_TOKENS // 2)
        assert end - window.keep[1] in (0, OVERLAP_TOKENS // 2)


def test_no_tokens_need_no_window():
    assert list(cut_windows(0, [])) == []
