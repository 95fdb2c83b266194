"""A tuning as one HTML file: curves of recall against latency and against storage."""

from __future__ import annotations

from app.report_charts import Chart, Plotted, draw_chart, format_ms
from app.report_template import render_template
from app.tuned import Stage, Tried, Tuning
from app.tuning_output import (
    describe_data,
    describe_recommendation,
    describe_search,
    list_settings,
)
from app.wording import format_bytes
from retrieval.bootstrap import RESAMPLES, SEED

RECALL = "recall@10"

EXACT_SHAPE = "circle"
STAGE_SHAPES = {Stage.CELLS: "square", Stage.MUVERA: "triangle", Stage.POOLED: "diamond"}


def render_tuning(tuning: Tuning, *, command: str, machine: str) -> str:
    """The HTML of a tuning.

    Args:
        tuning: what was measured.
        command: what was run.
        machine: on what.
    """
    return render_template(
        "tuning.html",
        tuning=tuning,
        made_at=tuning.made_at.strftime("%Y-%m-%d %H:%M"),
        data=describe_data(tuning),
        recommendation=describe_recommendation(tuning),
        settings=list_settings(tuning),
        charts=draw_curves(tuning),
        shapes=[
            (EXACT_SHAPE, "exact search"),
            *((shape, f"first stage: {stage.value}") for stage, shape in STAGE_SHAPES.items()),
        ],
        describe_search=describe_search,
        format_ms=format_ms,
        resamples=RESAMPLES,
        seed=SEED,
        command=command,
        machine=machine,
    )


def draw_curves(tuning: Tuning) -> tuple[Chart, Chart]:
    """Recall against latency, a curve for each index; and against storage, a point for each."""
    curves = [
        [_plot(tuning, it, it.p50_ms, is_last=it is of_index[-1]) for it in of_index]
        for of_index in map(tuning.list_of, tuning.stored)
    ]
    # The last of each index: the exact search, or that of most candidates.
    sizes = [
        [_plot(tuning, of_index[-1], of_index[-1].index_bytes, is_last=True)]
        for of_index in map(tuning.list_of, tuning.stored)
    ]
    return (
        draw_chart("Recall against latency", "p50 of a search", RECALL, curves, format_ms),
        draw_chart("Recall against storage", "size of the index", RECALL, sizes, format_bytes),
    )


def _plot(tuning: Tuning, tried: Tried, x: float, *, is_last: bool) -> Plotted:
    is_exact = tried.prefetch_pages is None
    return Plotted(
        name=tried.name,
        x=x,
        estimate=tried.recall,
        shape=EXACT_SHAPE if is_exact else STAGE_SHAPES[tried.stored.stage],
        is_first=tried is tuning.recommended.tried,
        label=tried.stored.name if is_last else "",
    )
