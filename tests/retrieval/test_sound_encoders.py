"""What the encoder of sounds does, through the real loading code on a tiny CLAP checkpoint."""

import json

import numpy as np
import pytest
import torch

from retrieval.encoders import opening
from retrieval.encoders.base import SOUND_RATE_HZ
from retrieval.encoders.opening import EncoderOptions, choose_sound_encoder, open_sound_encoder
from retrieval.encoders.sound_catalog import SOUND_CATALOG
from retrieval.errors import LicenceRefused, UnknownEncoder, WeightsRefused
from tests.photo_checkpoints import drop_weight
from tests.sounds import DIM, make_tone, write_clap

CPU = EncoderOptions(device="cpu", dtype="float32")


def hear(hertz, seconds=10):
    tone = make_tone(hertz, seconds, SOUND_RATE_HZ)[:, 0]
    return np.rint(32_767 * tone).astype(np.int16)


@pytest.fixture(scope="module", params=["unfused", "fused"])
def encoder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    write_clap(folder, enable_fusion=request.param == "fused")
    return open_sound_encoder(str(folder), CPU)


def test_a_window_becomes_a_float16_vector_of_unit_length(encoder):
    windows = np.stack([hear(220), hear(440), hear(880)])
    vectors = encoder.encode_sounds(windows)
    assert vectors.dtype == np.float16
    assert vectors.shape == (3, DIM) == (3, encoder.spec.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(float), axis=1), 1, atol=2e-3)
    assert encoder.encode_sounds(windows[:0]).shape == (0, DIM)


def test_a_windows_vector_depends_neither_on_its_neighbours_nor_on_chance(encoder):
    windows = np.stack([hear(220), hear(440), hear(880)])
    together = encoder.encode_sounds(windows).astype(float)
    for _ in range(2):
        alone = np.concatenate([encoder.encode_sounds(windows[i : i + 1]) for i in range(3)])
        np.testing.assert_allclose(together, alone.astype(float), atol=2e-3)


def test_a_window_is_what_the_model_itself_makes_of_it(tmp_path):
    from transformers import ClapModel, ClapProcessor

    folder = write_clap(tmp_path)
    window = hear(330, seconds=4)
    model = ClapModel.from_pretrained(folder).eval()
    processor = ClapProcessor.from_pretrained(folder)
    heard = processor(audio=window / 32_767, sampling_rate=SOUND_RATE_HZ, return_tensors="pt")
    said = processor(text=["A dog barks."], return_tensors="pt")
    with torch.inference_mode():
        sound = model.get_audio_features(**heard).pooler_output[0].numpy()
        text = model.get_text_features(**said).pooler_output[0].numpy()
    encoder = open_sound_encoder(str(folder), CPU)
    np.testing.assert_allclose(encoder.encode_sounds(window[None])[0], sound, atol=2e-3)
    np.testing.assert_allclose(encoder.encode_text("A dog barks."), text, atol=1e-5)


def test_a_text_is_asked_as_it_was_written_without_a_prompt(encoder):
    query = encoder.encode_text("A dog barks")
    assert query.dtype == np.float32
    assert query.shape == (DIM,)
    assert np.linalg.norm(query) == pytest.approx(1)
    assert not np.allclose(query, encoder.encode_text("a dog barks"), atol=1e-4)
    assert encoder.encode_text(" ?!") is None
    # Captions were cut in training, too.
    np.testing.assert_allclose(encoder.encode_text("b" * 75), encoder.encode_text("b" * 900))


def test_its_key_names_checkpoint_library_and_window(encoder):
    assert encoder.key.startswith(encoder.spec.id)
    assert "/transformers-" in encoder.key
    assert encoder.key.endswith("/10s")


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip"}))
    with pytest.raises(UnknownEncoder, match="siglip; sounds are encoded by CLAP"):
        open_sound_encoder(str(tmp_path), CPU)
    with pytest.raises(UnknownEncoder, match="laion/clap-htsat-unfused"):
        open_sound_encoder("clapper", CPU)


def test_a_checkpoint_that_lacks_weights_or_listens_at_another_rate_is_refused(tmp_path):
    lacking = write_clap(tmp_path / "lacking")
    name = drop_weight(lacking / "model.safetensors", "text_projection")
    with pytest.raises(WeightsRefused, match=name):
        open_sound_encoder(str(lacking), CPU)
    slow = write_clap(tmp_path / "slow", sampling_rate=44_100)
    with pytest.raises(WeightsRefused, match="listens at 44,100 Hz, not 48,000"):
        open_sound_encoder(str(slow), CPU)


def test_a_checkpoint_whose_licence_is_not_known_is_refused_where_use_is_commercial(tmp_path):
    with pytest.raises(LicenceRefused, match="laion/clap-htsat-fused"):
        open_sound_encoder(str(tmp_path), EncoderOptions(device="cpu", commercial=True))


def test_pickled_weights_open_as_the_published_ones_are(tmp_path):
    from safetensors.torch import load_file

    whole = write_clap(tmp_path / "whole")
    pickled = write_clap(tmp_path / "pickled")
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    same, one = (open_sound_encoder(str(folder), CPU) for folder in (whole, pickled))
    np.testing.assert_array_equal(same.encode_text("a dog"), one.encode_text("a dog"))


def test_auto_is_clap_where_there_is_a_gpu_and_a_way_to_it(monkeypatch):
    assert choose_sound_encoder() is None or torch.cuda.is_available()
    monkeypatch.setattr(opening, "find_accelerator", lambda: ("cuda", "H100"))
    monkeypatch.setattr(opening, "hub_answers", lambda name: True)
    choice = choose_sound_encoder()
    assert choice.name == "laion/clap-htsat-unfused"
    assert choice.reason == "H100, and a way to the checkpoint"
    monkeypatch.setattr(opening, "hub_answers", lambda name: False)
    assert choose_sound_encoder() is None


def test_nothing_stands_in_the_way_of_the_catalogs_models():
    assert [spec.obstacle for spec in SOUND_CATALOG] == ["", "", ""]
