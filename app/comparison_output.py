"""What `pagelens compare` prints: JSON for programs, and tables for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.comparison import CRITERION, TOLD, Comparison, MeasuredVariant
from app.errors import printable
from app.wording import count_things, format_bytes
from retrieval.bootstrap import Estimate

UNKNOWN = "–"
# What a retrieval measure is worth telling to.
DECIMALS = 4
# What is told beside the criterion, as people write it.
TOLD_NAMES = ("nDCG@5", "recall@10")


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The last line of `compare --json`."""
    return {
        "set": comparison.title,
        "questions": comparison.n_questions,
        "pages": comparison.n_pages,
        "variants": [_variant_json(comparison, it) for it in comparison.measured],
        "failed": [{"name": it.name, "error": it.error} for it in comparison.failed],
        "spent": list(comparison.spent),
        "seconds": round(comparison.seconds, 1),
    }


def _variant_json(comparison: Comparison, measured: MeasuredVariant) -> dict[str, Any]:
    run = measured.run
    speed = run.index.pages_per_second
    content: dict[str, Any] = {
        "name": measured.name,
        "model": run.variant.model,
        "text_models": list(run.variant.text_models),
        "pool_factor": run.variant.pool_factor,
        "vector_storage": run.variant.vector_storage,
        "mode": run.variant.mode.value,
        "reranker": run.variant.reranker,
        "metrics": {key: round(it.mean, DECIMALS) for key, it in measured.metrics.items()},
        "intervals": {key: _interval_json(it) for key, it in measured.metrics.items()},
        "difference": None,
        "ms_per_query": round(measured.ms_per_query, 1),
        "answers_kept": run.n_kept,
        "trained_on": run.n_trained_on,
        "pages_per_second": None if speed is None else round(speed, 3),
        "bytes_per_page": round(run.index.bytes_per_page),
        "encoder": run.index.encoder,
        "cost": measured.cost,
        "licence": measured.licence,
        "commercial_use": all(model.commercial_use for model in run.models),
    }
    if measured.difference is not None:
        better, worse, equal = measured.count_against(comparison.measured[0])
        content["difference"] = {
            CRITERION: round(measured.difference.mean, DECIMALS),
            "interval": _interval_json(measured.difference),
            "shown": measured.difference.differs_from_zero,
            "better": better,
            "worse": worse,
            "equal": equal,
        }
    return content


def _interval_json(estimate: Estimate) -> list[float]:
    return [round(estimate.low, DECIMALS), round(estimate.high, DECIMALS)]


def print_comparison(comparison: Comparison) -> None:
    """Quality with its intervals, then speed and size, then what it says of each way."""
    console = Console()
    if comparison.measured:
        console.print(
            f"{comparison.title}: {count_things(comparison.n_questions, 'question')} over "
            f"{count_things(comparison.n_pages, 'page')}; in brackets the 95 % interval "
            "(bootstrap over questions)",
            highlight=False,
            markup=False,
        )
        console.print(_tabulate_quality(comparison))
        console.print(_tabulate_rest(comparison))
    for measured in comparison.measured:
        told = f"{measured.name}: {comparison.describe_difference(measured)}; {measured.cost}"
        told += f", {measured.licence}"
        if measured.run.n_kept:
            kept = count_things(measured.run.n_kept, "answer")
            told += f"; {kept} with their times kept from an earlier run"
        console.print(printable(told), highlight=False, markup=False, soft_wrap=True)
    for line in comparison.spent:
        console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


def _tabulate_quality(comparison: Comparison) -> Table:
    table = Table("way to search")
    for title in ("nDCG@10", "above the first"):
        table.add_column(title, no_wrap=True)
    for measured in comparison.measured:
        difference = measured.difference
        table.add_row(
            escape(printable(measured.name)),
            format_estimate(measured.metrics[CRITERION]),
            UNKNOWN if difference is None else format_estimate(difference, sign=True),
        )
    return table


def _tabulate_rest(comparison: Comparison) -> Table:
    table = Table("way to search")
    for title in (*TOLD_NAMES, "ms/query", "pages/s", "index a page"):
        table.add_column(title, no_wrap=True)
    for measured in comparison.measured:
        table.add_row(
            escape(printable(measured.name)),
            *(f"{measured.metrics[key].mean:.3f}" for key in TOLD[1:]),
            f"{measured.ms_per_query:.0f}",
            format_speed(measured),
            format_bytes(measured.run.index.bytes_per_page),
        )
    return table


def format_estimate(estimate: Estimate, *, sign: bool = False) -> str:
    """A mean with its interval, `0.702 [0.634, 0.765]`."""
    ends = (estimate.low, estimate.high)
    # An end that is not 0 must not read as if it were: it tells whether a difference is shown.
    hides = estimate.differs_from_zero and any(round(end, 3) == 0 for end in ends)
    form = f"{'+' if sign else ''}.{DECIMALS if hides else 3}f"
    mean, low, high = (
        # No -0.000.
        f"{round(value, DECIMALS if hides else 3) + 0.0:{form}}"
        for value in (estimate.mean, *ends)
    )
    return f"{mean} [{low}, {high}]"


def format_speed(measured: MeasuredVariant) -> str:
    """How fast the corpus was indexed, in pages/s."""
    speed = measured.run.index.pages_per_second
    return UNKNOWN if speed is None else f"{speed:.1f}"
