"""The form that has ways to search compared, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app.api.comparison_bodies import CompareBody
from app.comparison import FEWEST_QUESTIONS
from app.comparison_state import ComparisonState, VariantStage, VariantState
from app.encoders import NONE
from app.library import Library
from app.ready_models import list_ready
from app.wording import count_things
from ingest.progress import STAGE_UNITS, Progress
from retrieval.encoders.catalog import PAGE_CATALOG
from retrieval.encoders.devices import AUTO
from retrieval.errors import InvalidRequest
from retrieval.search import Mode
from retrieval.text_encoders.catalog import TEXT_CATALOG
from ui.rendering import render

STAGE_WORDS = {
    VariantStage.WAITING: "waiting",
    VariantStage.RUNNING: "opening its models",
    VariantStage.DONE: "measured",
}


@dataclass(frozen=True, slots=True)
class ListedVariant:
    """A way to search, and where it stands in words."""

    variant: VariantState
    state: str


def show_form(library: Library) -> str:
    """HTML of what can be compared; of a library without questions, that there are none."""
    encoders = library.encoders
    commercial = encoders.options().commercial
    own_model = encoders.choice.name
    own_texts = "+".join(encoders.text_names) or NONE
    models = [own_model, *list_ready(PAGE_CATALOG, commercial=commercial)]
    texts = [own_texts, NONE, *list_ready(TEXT_CATALOG, commercial=commercial)]
    return render(
        "compare_form.html",
        read_only=library.is_read_only,
        n_questions=len(library.list_judged_questions()),
        fewest=FEWEST_QUESTIONS,
        is_running=library.comparison.look().is_running,
        models=list(dict.fromkeys(models)),
        texts=list(dict.fromkeys(texts)),
        modes=[mode.value for mode in Mode],
        rerankers=list(dict.fromkeys([encoders.asked_reranker, AUTO, NONE])),
    )


def read_form(event: gr.EventData) -> dict[str, str]:
    """What is to be compared: field of a variant -> values, as `CompareBody.lists`.

    Raises:
        InvalidRequest: it is more, or longer, than the API takes.
    """
    form: dict[str, Any] = dict(event.form)
    try:
        body = CompareBody(
            models=_read_names(form, "models"),
            text_models=_read_names(form, "text_models"),
            modes=form.get("modes", []),
            rerankers=form.get("rerankers", []),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequest(f"{first['loc'][0]}: {first['msg']}") from error
    return body.lists


def _read_names(form: dict[str, Any], field: str) -> list[str]:
    """The names that are ticked, and those that are written with commas between them."""
    written = ",".join(map(str, form.get(f"more_{field}", []))).split(",")
    names = [*map(str, form.get(field, [])), *(name.strip() for name in written)]
    return list(dict.fromkeys(filter(None, names)))


def show_run(state: ComparisonState) -> str:
    """HTML of how far the comparison is that was begun last."""
    return render(
        "compare_run.html",
        state=state,
        gathering=describe_progress(state.gathering) if state.gathering else "",
        variants=[ListedVariant(it, _describe(it)) for it in state.variants],
    )


def _describe(variant: VariantState) -> str:
    if variant.error is not None:
        return variant.error
    if variant.progress is not None:
        return describe_progress(variant.progress)
    return STAGE_WORDS[variant.stage]


def describe_progress(progress: Progress) -> str:
    """How far a stage has come: "searching, 3 of 12 questions"."""
    noun = STAGE_UNITS[progress.stage].removesuffix("s")
    return f"{progress.stage}, {progress.done:,} of {count_things(progress.total, noun)}"
