"""What models at vendors cost a library: about, before an ingest, and in the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieval.hosted.cost import Cost, estimate_cost_of_pages
from retrieval.text_encoders.catalog import find_text_spec

if TYPE_CHECKING:
    from app.library import Library

PAGES_TOLD = 1_000


def forecast_cost(text_models: Sequence[str], n_pages: int) -> Cost | None:
    """About what so many pages will cost with these text models; None if all of them run here."""
    specs = [find_text_spec(name) for name in text_models]
    costs = [estimate_cost_of_pages(spec, n_pages) for spec in specs if spec and spec.is_hosted]
    return sum(costs, Cost()) if costs else None


def describe_prices(text_models: Sequence[str]) -> list[str]:
    """What is sent to vendors when pages are encoded by text models, and about what that costs."""
    cost = forecast_cost(text_models, PAGES_TOLD)
    if cost is None:
        return []
    return [f"The words of pages are sent to a vendor: {cost}, for {PAGES_TOLD:,} pages."]


def describe_spent(library: Library) -> list[str]:
    """What was paid since a library was opened; a line for each of its models at vendors."""
    return [f"Spent {model.spent} on {model.spec.id}." for model in library.encoders.list_paid()]
