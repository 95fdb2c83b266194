"""What the routes that compare ways to search take and give; see `app/api/bodies.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.comparison_state import ComparisonState, VariantStage
from ingest.progress import STAGE_UNITS, Progress
from retrieval.index.base import VectorStorage
from retrieval.search import Mode

MAX_VALUES = 20

# Commas stand between values on the command line, where the same can be done.
Name = Annotated[str, StringConstraints(pattern=r"^[^,\x00]+$", max_length=500)]
Factor = Annotated[int, Field(ge=1, le=1000)]


class CompareBody(BaseModel):
    """Which ways to search are compared: all combinations; nothing for what the library has."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"models": ["minilm-layout", "vidore/colqwen2-v1.0"], "modes": ["hybrid", "text"]}
            ]
        },
    )

    models: list[Name] = Field(default=[], max_length=MAX_VALUES, description="encoders of pages")
    text_models: list[Name] = Field(
        default=[],
        max_length=MAX_VALUES,
        description="encoders of text; `none`, or `a+b` for two together",
    )
    pool_factors: list[Factor] = Field(default=[], max_length=MAX_VALUES)
    vector_storages: list[VectorStorage] = Field(default=[], max_length=MAX_VALUES)
    modes: list[Mode] = Field(
        default=[],
        max_length=MAX_VALUES,
        description="what pages are ranked by; `hybrid` for none given",
    )
    rerankers: list[Name] = Field(
        default=[], max_length=MAX_VALUES, description="`none` for a search without one"
    )

    @property
    def lists(self) -> dict[str, str]:
        """Field of a variant -> values with commas between them; only of those given."""
        given: dict[str, list[str]] = {
            "model": self.models,
            "text_models": self.text_models,
            "pool_factor": [str(factor) for factor in self.pool_factors],
            "vector_storage": [storage.value for storage in self.vector_storages],
            "mode": [mode.value for mode in self.modes],
            "reranker": self.rerankers,
        }
        return {name: ",".join(values) for name, values in given.items() if values}


class CountedBody(BaseModel):
    """How far a stage has come."""

    stage: str = Field(description='"indexing" pages, "searching" for questions, ...')
    done: int
    total: int
    unit: str = Field(description="what is counted")


class VariantRunBody(BaseModel):
    """How far one way to search is measured."""

    name: str
    state: VariantStage
    progress: CountedBody | None = Field(description="what is being done for it")
    error: str | None = Field(description="why it could not be measured")


class ComparisonRunBody(BaseModel):
    """How far the comparison has come that was begun last."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "running": True,
                    "cancelled": False,
                    "questions": 46,
                    "gathering": None,
                    "variants": [
                        {"name": "hybrid", "state": "done", "progress": None, "error": None},
                        {
                            "name": "text",
                            "state": "running",
                            "progress": {
                                "stage": "searching",
                                "done": 12,
                                "total": 46,
                                "unit": "questions",
                            },
                            "error": None,
                        },
                    ],
                    "report": None,
                    "error": None,
                }
            ]
        }
    )

    running: bool
    cancelled: bool
    questions: int = Field(description="how many are asked; 0 where nothing was compared yet")
    gathering: CountedBody | None = Field(description="documents, before the first is measured")
    variants: list[VariantRunBody]
    report: str | None = Field(description="which of /comparisons it has become")
    error: str | None = Field(description="why it ended without a report")


def show_run(state: ComparisonState) -> ComparisonRunBody:
    """How far a comparison has come."""
    return ComparisonRunBody(
        running=state.is_running,
        cancelled=state.is_cancelled,
        questions=state.n_questions,
        gathering=_count(state.gathering),
        variants=[
            VariantRunBody(
                name=variant.name,
                state=variant.stage,
                progress=_count(variant.progress),
                error=variant.error,
            )
            for variant in state.variants
        ],
        report=state.report,
        error=state.error,
    )


def _count(progress: Progress | None) -> CountedBody | None:
    if progress is None:
        return None
    return CountedBody(
        stage=progress.stage,
        done=progress.done,
        total=progress.total,
        unit=STAGE_UNITS[progress.stage],
    )
