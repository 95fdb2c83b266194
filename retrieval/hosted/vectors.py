"""What is made of a vendor's vectors: as many as were asked for, of one length, scaled to unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.photo_space import scale_to_unit
from retrieval.errors import InvalidEmbedding
from retrieval.hosted.embeddings import AnsweredVectors
from retrieval.model_spec import ModelSpec
from retrieval.records import check_unit_vectors
from retrieval.service_errors import ServiceFailed


def build_unit_vectors(
    spec: ModelSpec, answered: AnsweredVectors, n_asked: int, dim: int
) -> NDArray[np.float32]:
    """Float32 `[n_asked, dim]`, each of unit length, whatever length the vendor gave them.

    Google scales only vectors of full length, Cohere none; the others' stay what they are.

    Raises:
        ServiceFailed: there are more or fewer than were asked for.
        InvalidEmbedding: another `dim`, or a vector that is zero, infinite or NaN.
    """
    rows = answered.rows
    if len(rows) != n_asked:
        raise ServiceFailed(f"{spec.id} gave {len(rows)} vectors, asked for {n_asked}")
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise InvalidEmbedding(f"{spec.id} gave vectors {list(rows.shape)}, expected [n, {dim}]")
    vectors = scale_to_unit(rows)
    check_unit_vectors(vectors, np.float32)
    return vectors


def state_dim(dim: int, matryoshka_dims: tuple[int, ...]) -> int | None:
    """The length that a request names: only models that have several know the field."""
    return dim if matryoshka_dims else None


def name_model(spec: ModelSpec) -> str:
    """The vendor's name of a model: what stands behind the slash of its id."""
    return spec.id.partition("/")[2]
