"""Refuses a checkpoint that does not hold exactly the weights of its model.

transformers fills missing weights at random and drops unexpected ones, with a warning at most;
published checkpoints have answered at random that way.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from retrieval.errors import WeightsRefused

# A head that predicts words has no part in late interaction; some bases still carry it.
UNUSED_WEIGHTS = ("lm_head.", "rotary_emb.inv_freq")


# Encoders of text take the mean of token vectors or the first, not what a pooler makes of it.
POOLER = "pooler."


def refuse_missing_weights(name: str, found: dict[str, Any]) -> None:
    """Refuses a checkpoint of a text encoder that lacks weights.

    It may hold more than the encoder reads: heads that its base, or another task, was trained with.

    Args:
        name: of the checkpoint.
        found: what transformers reports with `output_loading_info`.

    Raises:
        WeightsRefused: naming some of the keys.
    """
    missing = [key for key in found["missing_keys"] if not key.startswith(POOLER)]
    _refuse(name, "lacks", missing)
    _refuse(name, "holds other shapes of", found.get("mismatched_keys") or ())


def refuse_key_differences(name: str, found: dict[str, Any]) -> None:
    """Refuses a checkpoint that does not hold exactly the model's weights.

    Args:
        name: of the checkpoint.
        found: what transformers reports with `output_loading_info`.

    Raises:
        WeightsRefused: naming some of the keys.
    """
    unexpected = [
        key for key in found["unexpected_keys"] if not any(part in key for part in UNUSED_WEIGHTS)
    ]
    for what, keys in (
        ("lacks", found["missing_keys"]),
        ("holds unexpected", unexpected),
        ("holds other shapes of", found.get("mismatched_keys") or ()),
    ):
        _refuse(name, what, keys)


def _refuse(name: str, what: str, keys: Collection[Any]) -> None:
    if keys:
        raise WeightsRefused(f"{name} {what} {_count_weights(keys)}")


def _count_weights(keys: Collection[Any]) -> str:
    names = sorted(key if isinstance(key, str) else str(key[0]) for key in keys)
    some = ", ".join(names[:2]) + (", ..." if len(names) > 2 else "")
    return f"{len(names)} {'weight' if len(names) == 1 else 'weights'}: {some}"
