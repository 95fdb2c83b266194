"""Opening an encoder by name: what cannot be opened is said in one line, at once."""

import json
import shutil
import time

import pytest

from retrieval.encoders import opening
from retrieval.encoders.catalog import DEFAULT_ON_GPU_ID, PAGE_CATALOG
from retrieval.encoders.devices import place_model
from retrieval.encoders.hub import hub_answers, is_cached, locate_checkpoint
from retrieval.encoders.opening import (
    EncoderOptions,
    choose_encoder,
    choose_photo_encoder,
    looks_like_hub_id,
    open_encoder,
    open_photo_encoder,
)
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.errors import HubUnreachable, InvalidSetting, UnknownEncoder, WeightsRefused
from tests.photo_checkpoints import write_open_clip, write_siglip

PATIENCE_S = 10


@pytest.fixture
def closed_hub(monkeypatch, tmp_path):
    """A machine with an empty cache whose hub refuses every connection."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["vidore/colqwen2-v1.0", "someone/a-model-of-their-own"])
def test_a_hub_that_does_not_answer_is_said_within_seconds(closed_hub, name):
    started = time.monotonic()
    with pytest.raises(HubUnreachable, match=rf"{name} is not in the cache.*does not answer"):
        open_encoder(name)
    assert time.monotonic() - started < PATIENCE_S
    assert "--model minilm-layout" in HubUnreachable.remedy


def test_offline_mode_is_respected_without_a_connection(closed_hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE is set"):
        open_encoder("vidore/colpali-v1.3")


@pytest.mark.parametrize("name", ["no-such-model", "./no/such/folder", "/no/such/folder", "a/b/c"])
def test_an_unknown_name_is_answered_with_the_known_ones(name):
    with pytest.raises(UnknownEncoder, match=r"minilm-layout.*vidore/colqwen2-v1\.0"):
        open_encoder(name)
    with pytest.raises(UnknownEncoder, match=r"imagenet-tags.*siglip2"):
        open_photo_encoder(name)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(UnknownEncoder, match="holds no checkpoint"):
        open_encoder(str(tmp_path))


def test_a_checkpoint_of_another_kind_is_refused_by_its_name(tiny_checkpoint, tmp_path):
    folder = tmp_path / "chat"
    shutil.copytree(tiny_checkpoint("colqwen2"), folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["Qwen2VLForConditionalGeneration"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnknownEncoder, match="is a Qwen2VLForConditionalGeneration; known are"):
        open_encoder(str(folder))


def test_a_checkpoint_with_a_torn_weights_file_is_refused(tiny_checkpoint, tmp_path):
    folder = tmp_path / "torn"
    shutil.copytree(tiny_checkpoint("colqwen2"), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50_000])
    with pytest.raises((WeightsRefused, UnknownEncoder), match="torn"):
        open_encoder(str(folder))


def test_a_checkpoint_without_its_tokenizer_is_refused(tiny_checkpoint, tmp_path):
    folder = tmp_path / "no-tokenizer"
    shutil.copytree(tiny_checkpoint("colqwen2"), folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsRefused, match="no-tokenizer: its tokenizer or processor"):
        open_encoder(str(folder))


def test_a_folder_is_described_from_its_config(tiny_checkpoint, open_tiny):
    spec = open_tiny("colqwen2").spec
    assert spec.id == str(tiny_checkpoint("colqwen2"))
    assert spec.n_parameters == 106_784
    assert "model card" in spec.licence
    assert not spec.commercial_use


def test_an_unknown_device_dtype_or_kernel_is_refused(tiny_checkpoint):
    with pytest.raises(InvalidSetting, match="'teapot'"):
        place_model(device="teapot")
    with pytest.raises(InvalidSetting, match="int3"):
        place_model(dtype="int3")
    with pytest.raises(InvalidSetting, match="magic"):
        open_encoder(str(tiny_checkpoint("colqwen2")), EncoderOptions(attention="magic"))


def test_auto_is_the_embedded_encoder_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(opening, "find_accelerator", lambda: None)
    assert choose_encoder().name == "minilm-layout"
    assert choose_photo_encoder().name == "imagenet-tags"
    assert "no GPU" in choose_encoder().reason


def test_auto_on_a_gpu_takes_what_can_be_had(monkeypatch, closed_hub):
    monkeypatch.setattr(opening, "find_accelerator", lambda: ("cuda", "NVIDIA H100"))
    choice = choose_encoder()
    assert choice.name == "minilm-layout"
    assert "NVIDIA H100, but vidore/colqwen2-v1.0 is not in the cache" in choice.reason
    monkeypatch.setattr(opening, "is_cached", lambda name: name == DEFAULT_ON_GPU_ID)
    assert choose_encoder().name == "vidore/colqwen2-v1.0"
    monkeypatch.setattr(opening, "is_cached", lambda name: False)
    monkeypatch.setattr(opening, "hub_answers", lambda name: True)
    assert choose_encoder() == opening.Choice(
        DEFAULT_ON_GPU_ID, "NVIDIA H100; the checkpoint comes from the model hub"
    )
    assert choose_photo_encoder().name == "google/siglip2-base-patch16-384"


def test_a_cached_checkpoint_needs_no_hub(closed_hub, tiny_checkpoint, tmp_path):
    """The cache as the hub's client lays it out: an adapter, and the base it names."""
    base, commit = tiny_checkpoint("colqwen2"), "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "cache" / "models--someone--colqwen2-tuned"
    adapter = shutil.copytree(
        tiny_checkpoint("colqwen2+adapter"), repository / "snapshots" / commit
    )
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    assert is_cached("someone/colqwen2-tuned")
    found = locate_checkpoint("someone/colqwen2-tuned")
    assert (found.revision, found.base.folder) == (commit[:12], base)
    encoder = open_encoder("someone/colqwen2-tuned")
    assert encoder.key.startswith("someone/colqwen2-tuned@0123456789ab+colqwen2@")
    # Half a download is not taken for a checkpoint.
    (adapter / "adapter_model.safetensors").unlink()
    assert not is_cached("someone/colqwen2-tuned")
    assert not hub_answers("someone/colqwen2-tuned")


@pytest.mark.parametrize("write", [write_siglip, write_open_clip])
def test_a_photo_checkpoint_opens_from_its_folder(tmp_path, write):
    write(tmp_path)
    encoder = open_photo_encoder(str(tmp_path), EncoderOptions(device="cpu"))
    query = encoder.encode_text("a lighthouse")
    assert query.shape == (encoder.spec.dim,)
    assert str(tmp_path.name) in encoder.key


def test_what_looks_like_a_hub_id():
    assert looks_like_hub_id("vidore/colqwen2-v1.0")
    assert looks_like_hub_id("vidore/colqwen2-v1.0@abc123")
    for name in ("minilm", "./model", "../model", "/model", "~/model", "a/b/c", "a/"):
        assert not looks_like_hub_id(name)


def test_the_catalog_says_what_each_encoder_may_be_used_for():
    specs = PAGE_CATALOG + PHOTO_CATALOG
    assert len({spec.id for spec in specs}) == len(specs)
    for spec in specs:
        assert spec.licence
        assert spec.dim > 0
        assert spec.vectors_per_page > 0
        # A vendor says neither, and keeps them.
        assert spec.is_hosted == (spec.n_parameters is None) == (spec.memory_bytes == 0)
        assert (spec.vidore_ndcg5 is None) == (spec.vidore_source == "")
    by_id = {spec.id: spec for spec in specs}
    assert not by_id["vidore/colqwen2.5-v0.2"].commercial_use
    assert "Gemma" in by_id["vidore/colpali-v1.3"].licence
    assert "approximate" in by_id["imagenet-tags"].note.lower()


def test_a_name_that_no_folder_can_have_is_unknown_as_others_are():
    with pytest.raises(UnknownEncoder, match="unknown model"):
        open_encoder("a" * 300)
