"""Which models may be opened: nothing stands in the way, and the licence permits the use."""

from __future__ import annotations

import math
from collections.abc import Sequence

from retrieval.errors import LicenceRefused, ModelNotOpenable
from retrieval.model_spec import ModelSpec


def admit_model(
    name: str, spec: ModelSpec | None, catalog: Sequence[ModelSpec], *, commercial: bool
) -> None:
    """Refuses a model that may not, or cannot, be opened, and names one that can be.

    Args:
        name: as it was asked for.
        spec: its entry in the catalog; None for a checkpoint that is not there, whose licence is
            not known.
        catalog: the models of its kind, the one that comes with Pagelens first.
        commercial: whether it is for commercial use.

    Raises:
        LicenceRefused: its licence does not permit commercial use, or is not known.
        ModelNotOpenable: the catalog says what stands in the way.
    """
    offer = _describe_offer(find_nearest(spec, catalog, commercial=commercial))
    if commercial and spec is None:
        raise LicenceRefused(
            f"the licence of {name} is not known, and PAGELENS_COMMERCIAL is set{offer}"
        )
    if commercial and spec is not None and not spec.commercial_use:
        raise LicenceRefused(
            f"{name} is not for commercial use ({spec.licence}), and PAGELENS_COMMERCIAL is set"
            f"{offer}"
        )
    if spec is not None and spec.obstacle:
        raise ModelNotOpenable(f"{name} cannot be opened: {spec.obstacle}{offer}")


def find_nearest(
    spec: ModelSpec | None, catalog: Sequence[ModelSpec], *, commercial: bool
) -> ModelSpec | None:
    """The model that can stand in another's place.

    Of those that can be opened as they are, run here, permit the use and make as much, it is the
    one that is nearest in size (by the ratio of their parameters); one that reads English only
    stands in for one that reads more languages if there is no other. For a model that is not known
    it is the first, which comes with Pagelens.

    Returns:
        None where the catalog has none.
    """
    fit = [
        other
        for other in catalog
        if not (other.obstacle or other.is_base or other.is_hosted)
        and (other.commercial_use or not commercial)
        and (spec is None or (other.id != spec.id and other.makes >= spec.makes))
    ]
    if spec is None or not spec.n_parameters:
        return next(iter(fit), None)
    size = math.log(spec.n_parameters)

    def distance(other: ModelSpec) -> tuple[bool, float]:
        reads_less = spec.is_multilingual and not other.is_multilingual
        return reads_less, abs(math.log(other.n_parameters or 1) - size)

    return min(fit, key=distance, default=None)


def _describe_offer(nearest: ModelSpec | None) -> str:
    return f"; the nearest that can be used is {nearest.id} ({nearest.licence})" if nearest else ""
