"""The models that can be used without asking the model hub: those at hand are offered first."""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.encoders.hub import is_cached
from retrieval.encoders.opening import looks_like_hub_id
from retrieval.model_spec import ModelSpec


def list_ready(catalog: Sequence[ModelSpec], *, commercial: bool) -> list[str]:
    """The names of those that run here now: they come with Pagelens, or are in the hub's cache.

    Args:
        catalog: models of a kind.
        commercial: whether only those count that permit such use.
    """
    return [
        spec.id
        for spec in catalog
        if not (spec.is_hosted or spec.is_base or spec.obstacle)
        and (spec.commercial_use or not commercial)
        and (not looks_like_hub_id(spec.id) or is_cached(spec.id, spec.revision))
    ]
