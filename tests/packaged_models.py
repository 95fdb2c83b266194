"""The models that come with Pagelens, read once a test run."""

from functools import cache
from pathlib import Path

import pytest

from retrieval.encoders import imagenet_tags, minilm_int8, minilm_layout
from retrieval.rerankers import minilm_reranker
from retrieval.text_encoders import minilm_dense


def share_packaged_models(patch: pytest.MonkeyPatch) -> None:
    """Has all libraries of this process share them: each takes a second to read, and none changes.

    Their weights are still looked for, and checked, where a library opens an encoder of pages.
    """
    opened = {}

    def open_session(weights: Path, basis):
        made_of = (weights, basis.tobytes())
        if made_of not in opened:
            opened[made_of] = minilm_int8.open_session(weights, basis)
        return opened[made_of]

    for module in (minilm_layout, minilm_dense):
        patch.setattr(module, "open_session", open_session)
    for module, name in (
        (imagenet_tags, "ImagenetTagsEncoder"),
        (minilm_reranker, "MinilmReranker"),
    ):
        patch.setattr(module, name, cache(getattr(module, name)))
