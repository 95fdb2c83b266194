"""The graph in 8-bit integers, against transformers running the same weights in float32."""

import numpy as np
import pytest

from retrieval.encoders.minilm_basis import load_basis
from retrieval.encoders.minilm_int8 import WEIGHT_STEPS, open_session, quantise_weight
from retrieval.encoders.minilm_layout import locate_weights
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports


@pytest.fixture(scope="module")
def session():
    return open_session(locate_weights() / "model.safetensors", load_basis())


@pytest.fixture(scope="module")
def ids():
    return np.random.default_rng(7).integers(1_000, 30_000, (2, 128))


def run(session, ids, places=range(128)):
    return session.run(["hidden"], {"ids": ids, "places": np.array(places, dtype=np.int64)})[0]


def test_hidden_states_are_close_to_float32(session, ids):
    ensure_torchvision_imports()
    import torch
    from transformers import BertModel

    model = BertModel.from_pretrained(locate_weights(), add_pooling_layer=False).eval()
    with torch.inference_mode():
        expected = model(input_ids=torch.from_numpy(ids)).last_hidden_state.numpy()
    hidden = run(session, ids)
    assert hidden.shape == expected.shape
    norms = np.linalg.norm(hidden, axis=2) * np.linalg.norm(expected, axis=2)
    cosines = (hidden * expected).sum(axis=2) / norms
    # Random tokens are the hardest text; of a wrong layer, bias or scale the mean falls below 0.9.
    assert cosines.mean() > 0.99
    assert cosines.min() > 0.97


def test_a_run_does_not_depend_on_the_run_beside_it(session, ids):
    together = run(session, ids)
    for row in range(len(ids)):
        alone = run(session, ids[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], atol=1e-4)


def test_the_last_layer_of_some_places_is_theirs_among_all(session, ids):
    places = [1, 5, 6, 126]
    np.testing.assert_allclose(run(session, ids, places), run(session, ids)[:, places], atol=1e-4)


def test_a_weight_is_within_half_a_step_of_its_own_row():
    weight = np.random.default_rng(7).normal(size=(5, 40)).astype(np.float32)
    weight[2] *= 100
    steps, scale = quantise_weight(weight)
    assert steps.dtype == np.int8
    assert (np.abs(steps.astype(int)).max(axis=1) == WEIGHT_STEPS).all()
    error = np.abs(steps * scale[:, None] - weight)
    assert (error <= scale[:, None] / 2 * (1 + 1e-5)).all()


def test_two_products_of_the_largest_steps_fit_16_bits():
    assert 2 * 255 * WEIGHT_STEPS < 2**15
