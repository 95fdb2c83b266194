"""The models that are offered first: those that need no model hub."""

import pytest

from app.ready_models import list_ready
from retrieval.encoders.catalog import PAGE_CATALOG, find_spec
from retrieval.text_encoders.catalog import TEXT_CATALOG


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """The cache of the model hub, which is empty."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def keep(hub_cache, name):
    """Puts a checkpoint into the cache as the hub's client does."""
    repository = hub_cache / f"models--{name.replace('/', '--')}"
    commit = "0123456789abcdef0123456789abcdef01234567"
    reference = repository / "refs" / find_spec(name).revision
    weights = repository / "snapshots" / commit / "model.safetensors"
    for path, content in ((reference, commit), (weights, "")):
        path.parent.mkdir(parents=True)
        path.write_text(content)


def test_what_comes_with_pagelens_needs_no_hub(hub_cache):
    assert list_ready(PAGE_CATALOG, commercial=False) == ["minilm-layout"]
    assert list_ready(TEXT_CATALOG, commercial=False) == ["minilm-dense"]


def test_what_is_in_the_cache_neither_unless_its_licence_keeps_it_out(hub_cache):
    for name in ("vidore/colqwen2-v1.0-hf", "vidore/colqwen2.5-v0.2"):
        keep(hub_cache, name)
    assert set(list_ready(PAGE_CATALOG, commercial=False)) == {
        "minilm-layout",
        "vidore/colqwen2-v1.0-hf",
        "vidore/colqwen2.5-v0.2",
    }
    assert list_ready(PAGE_CATALOG, commercial=True) == ["minilm-layout", "vidore/colqwen2-v1.0-hf"]
