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
        if keys:
            raise WeightsRefused(f"{name} {what} {_count_weights(keys)}")


def _count_weights(keys: Collection[Any]) -> str:
    names = sorted(key if isinstance(key, str) else str(key[0]) for key in keys)
    some = ", ".join(names[:2]) + (", ..." if len(names) > 2 else "")
    return f"{len(names)} {'weight' if len(names) == 1 else 'weights'}: {some}"
