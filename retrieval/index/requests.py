"""What is sent to a Qdrant server: points, filters, and how many points at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from qdrant_client import models

from retrieval.index.channels import NamedVector, count_numbers
from retrieval.index.filters import AnyOf, Clause, Clauses, HasVector, NumberRange, TimeRange
from retrieval.index.points import Point
from retrieval.lexical import SparseVector

# Servers refuse requests over 32 MB (`max_request_size_mb`, REST), unless told otherwise. Several
# pages share a request up to this size; the largest page that is taken, alone in one with all its
# channels, has 29 MB.
REQUEST_BYTES = 8_000_000
# Of a number of a vector in JSON, with its comma: at most a sign, 17 digits, a point, an exponent.
# gRPC takes four.
NUMBER_BYTES = 24
# Of a point besides: its id, the names of its fields.
POINT_BYTES = 1_000


def split_requests(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yields the points in runs of `REQUEST_BYTES` at most; one that is larger comes alone."""
    batch: list[Point] = []
    batch_bytes = 0
    for point in points:
        n_bytes = estimate_bytes(point)
        if batch and batch_bytes + n_bytes > REQUEST_BYTES:
            yield batch
            batch, batch_bytes = [], 0
        batch.append(point)
        batch_bytes += n_bytes
    if batch:
        yield batch


def estimate_bytes(point: Point) -> int:
    """What a point takes in a request at most, by REST or gRPC."""
    n_numbers = count_numbers(point.vectors)
    return n_numbers * NUMBER_BYTES + len(json.dumps(point.payload)) + POINT_BYTES


def compile_point(point: Point) -> models.PointStruct:
    """A point, as the client takes it."""
    vector: Any = {name: compile_vector(vector) for name, vector in point.vectors.items()}
    return models.PointStruct(id=point.id, vector=vector, payload=point.payload)


def compile_vector(vector: NamedVector) -> Any:
    """A named vector, as the client takes it."""
    return compile_sparse(vector) if isinstance(vector, SparseVector) else vector


def compile_sparse(terms: SparseVector) -> models.SparseVector:
    """Terms and their weights, as the client takes them."""
    return models.SparseVector(indices=list(terms.indices), values=list(terms.values))


def compile_filter(clauses: Clauses) -> models.Filter:
    """A filter, as the client takes it; without clauses it lets every point pass."""
    return models.Filter(
        must=[_compile_clause(clause) for clause in clauses.must],
        must_not=[_compile_clause(clause) for clause in clauses.must_not],
    )


def _compile_clause(clause: Clause) -> models.Condition:
    match clause:
        case HasVector(name):
            return models.HasVectorCondition(has_vector=name)
        case AnyOf(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case NumberRange(field, first, last):
            return models.FieldCondition(key=field, range=models.Range(gte=first, lte=last))
        case TimeRange(field, since, until):
            times = models.DatetimeRange(gte=since, lte=until)
            return models.FieldCondition(key=field, range=times)
