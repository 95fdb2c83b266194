"""Fixed-dimensional encodings, by which `pagelens tune` measures another first stage."""

import numpy as np

from retrieval.index.muvera import FixedEncoding

DIM = 32


def unit_vectors(seed: int, n: int, dim: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_it_is_as_long_as_the_paper_has_it_and_the_same_each_time():
    vectors = unit_vectors(1, 40, DIM)
    encoding = FixedEncoding(DIM)
    assert encoding.dim == 20 * 32 * 16 == len(encoding.encode_page(vectors))
    assert np.array_equal(encoding.encode_page(vectors), FixedEncoding(DIM).encode_page(vectors))


def test_pages_are_ranked_much_as_maxsim_ranks_them():
    pages = [unit_vectors(seed, 40, DIM) for seed in range(60)]
    # Each question is made of parts of one page.
    questions = [page[:6] + 0.05 for page in pages]
    questions = [q / np.linalg.norm(q, axis=1, keepdims=True) for q in questions]
    encoding = FixedEncoding(DIM)
    encoded = np.stack([encoding.encode_page(page) for page in pages])
    found = []
    for number, question in enumerate(questions):
        exact = np.argsort([-(question @ page.T).max(axis=1).sum() for page in pages])
        assert exact[0] == number
        found.append(number in np.argsort(-(encoded @ encoding.encode_query(question)))[:10])
    assert np.mean(found) > 0.9


def test_a_page_of_one_vector_has_it_in_every_part():
    vector = unit_vectors(3, 1, DIM)
    encoding = FixedEncoding(DIM)
    blocks = encoding.encode_page(vector).reshape(20, 32, 16)
    assert np.allclose(blocks, blocks[:, :1])
    # Its projections keep the length, so that a question of the same vector scores about 1 each.
    score = encoding.encode_page(vector) @ encoding.encode_query(vector)
    assert 0.6 < score / 20 < 1.4
