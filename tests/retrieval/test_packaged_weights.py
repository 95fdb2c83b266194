"""Model files that installed packages carry are used only if they are the published ones."""

import re

import pytest

from retrieval.encoders import imagenet_tags, minilm_layout
from retrieval.errors import WeightsRefused
from retrieval.packaged_weights import check_weights
from retrieval.rerankers import minilm_reranker

SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("model", [minilm_layout, imagenet_tags, minilm_reranker])
def test_the_published_weights_are_accepted(model):
    assert model.locate_weights().exists()


@pytest.mark.parametrize("model", [minilm_layout, imagenet_tags, minilm_reranker])
def test_weights_of_another_release_are_refused(model, monkeypatch):
    expected = model.WEIGHTS_SHA256[:12]
    monkeypatch.setattr(model, "WEIGHTS_SHA256", SHA256_OF_NOTHING)
    with pytest.raises(WeightsRefused, match=f"SHA-256 {expected}.* expected e3b0c44298fc"):
        model.locate_weights()


@pytest.mark.parametrize("model", [minilm_layout, imagenet_tags, minilm_reranker])
def test_a_package_that_is_not_installed_is_named(model, monkeypatch):
    monkeypatch.setattr(model, "WEIGHTS_PACKAGE", "no_such_package")
    with pytest.raises(WeightsRefused, match=r"the package [\w-]+ is not installed"):
        model.locate_weights()


def test_a_file_is_compared_byte_for_byte(tmp_path):
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"")
    check_weights(weights, SHA256_OF_NOTHING)
    weights.write_bytes(b"another model")
    with pytest.raises(WeightsRefused, match=r"SHA-256 .* expected e3b0c44298fc"):
        check_weights(weights, SHA256_OF_NOTHING)


def test_a_missing_file_is_named(tmp_path):
    weights = tmp_path / "model.onnx"
    with pytest.raises(WeightsRefused, match=re.escape(f"{weights} is missing")):
        check_weights(weights, SHA256_OF_NOTHING)
