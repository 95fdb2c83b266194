"""What `pagelens tune` prints and writes: JSON for programs, a table for people, and settings."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.comparison_output import DECIMALS, format_estimate
from app.errors import printable
from app.tuned import Tried, Tuning
from app.wording import count_things, format_bytes
from retrieval.bootstrap import Estimate


def tuning_json(tuning: Tuning) -> dict[str, Any]:
    """The last line of `tune --json`."""
    chosen = tuning.recommended
    return {
        "set": tuning.title,
        "model": tuning.model,
        "questions": tuning.n_questions,
        "pages": tuning.n_pages,
        "pages_tried": tuning.n_tried,
        "tried": [_tried_json(it) for it in tuning.tried],
        "recommended": {
            "name": chosen.tried.name,
            "settings": chosen.settings,
            "is_enough": chosen.is_enough,
            "least_recall": tuning.least_recall,
        },
        "seconds": round(tuning.seconds, 1),
    }


def _tried_json(tried: Tried) -> dict[str, Any]:
    stored, difference = tried.stored, tried.difference
    return {
        "name": tried.name,
        "pool_factor": stored.pool_factor,
        "vector_storage": stored.storage.value,
        "first_stage": None if tried.prefetch_pages is None else stored.stage.value,
        "prefetch_pages": tried.prefetch_pages,
        "recall@10": round(tried.recall.mean, DECIMALS),
        "ndcg@10": round(tried.ndcg.mean, DECIMALS),
        "intervals": {"recall@10": _interval(tried.recall), "ndcg@10": _interval(tried.ndcg)},
        "difference": None if difference is None else round(difference.mean, DECIMALS),
        "difference_interval": None if difference is None else _interval(difference),
        "p50_ms": round(tried.p50_ms, 2),
        "p95_ms": round(tried.p95_ms, 2),
        "index_bytes": tried.index_bytes,
    }


def _interval(estimate: Estimate) -> list[float]:
    return [round(estimate.low, DECIMALS), round(estimate.high, DECIMALS)]


def print_tuning(tuning: Tuning) -> None:
    """Every way in a row, then what is recommended."""
    console = Console()
    console.print(printable(describe_data(tuning)), highlight=False, markup=False)
    table = Table()
    table.add_column("stored as", no_wrap=True)
    for title in ("candidates", "recall@10", "nDCG@10", "p50", "index"):
        table.add_column(title, no_wrap=True, justify="right")
    for stored in tuning.stored:
        for it in tuning.list_of(stored):
            table.add_row(
                escape(stored.name),
                "all" if it.prefetch_pages is None else f"{it.prefetch_pages:,}",
                f"{it.recall.mean:.3f}",
                f"{it.ndcg.mean:.3f}" + (" worse" if it.is_worse else ""),
                f"{it.p50_ms:.1f} ms",
                format_bytes(it.index_bytes),
            )
        table.add_section()
    console.print(table)
    for line in (*describe_recommendation(tuning), *list_settings(tuning)):
        console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


def describe_data(tuning: Tuning) -> str:
    """What was measured on what, in a sentence."""
    pages = count_things(tuning.n_tried, "page")
    if tuning.n_tried < tuning.n_pages:
        pages += f" of {tuning.n_pages:,}"
    return (
        f"{tuning.title}: {count_things(tuning.n_questions, 'question')} over {pages} by the "
        f"vectors of {tuning.model} alone; nDCG@10 of whole vectors, searched exactly: "
        f"{format_estimate(tuning.reference.ndcg)} (95 % interval)"
    )


def describe_search(tried: Tried) -> str:
    """How many candidates MaxSim ranks."""
    if tried.prefetch_pages is None:
        return "exact"
    return count_things(tried.prefetch_pages, "candidate")


def describe_recommendation(tuning: Tuning) -> list[str]:
    """What is recommended and why, and how a library gets it, in sentences."""
    chosen = tuning.recommended
    tried, stored = chosen.tried, chosen.tried.stored
    share = tried.index_bytes / tuning.reference.index_bytes
    told = (
        f"recall@10 {tried.recall.mean:.3f}, {share:.0%} of the size of whole vectors, p50 "
        f"{tried.p50_ms:.1f} ms"
    )
    lines = [
        f"Recommended, as the smallest index that finds enough: {tried.name} ({told})."
        if chosen.is_enough
        else f"Nothing that was tried finds enough (recall@10 {tuning.least_recall:g} and no "
        f"nDCG@10 shown to be lost); {tried.name} finds most ({told})."
    ]
    if chosen.prefetch_pages is None:
        lines.append("A library of this size is searched exactly: candidates do not matter yet.")
    elif chosen.prefetch_pages != tried.prefetch_pages:
        lines.append(
            f"The same share of all {tuning.n_pages:,} pages is "
            f"{count_things(chosen.prefetch_pages, 'candidate')}."
        )
    lines.append(
        "A library that is there takes another storage by: pagelens migrate "
        f"--pool-factor {stored.pool_factor} --vector-storage {stored.storage.value}"
    )
    return lines


def list_settings(tuning: Tuning) -> list[str]:
    """The recommended settings, a line each, as a shell or an environment file takes them."""
    return [f"{name}={value}" for name, value in tuning.recommended.settings.items()]


def format_settings(tuning: Tuning) -> str:
    """A file of settings that says where they are from."""
    told = [describe_data(tuning), *describe_recommendation(tuning)]
    made_at = tuning.made_at.strftime("%Y-%m-%d %H:%M")
    lines = [f"# Written by pagelens tune, {made_at}.", *(f"# {line}" for line in told)]
    return "\n".join([*lines, *list_settings(tuning), ""])
