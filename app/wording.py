"""Numbers as people read them, with their units."""

from __future__ import annotations

from retrieval.model_spec import ModelSpec

BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_bytes(n_bytes: float) -> str:
    """A size with its unit, in powers of 1000."""
    units = iter(BYTE_UNITS)
    unit = next(units)
    while n_bytes >= 1000 and unit != BYTE_UNITS[-1]:
        n_bytes, unit = n_bytes / 1000, next(units)
    return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"


def count_things(n: int, noun: str) -> str:
    """A number with its noun."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def format_parameters(spec: ModelSpec) -> str:
    """How many weights a model has, in millions; vendors do not say it of theirs."""
    n_parameters = spec.n_parameters
    return "not stated" if n_parameters is None else f"{n_parameters / 1e6:,.0f} M"
