"""`/comparisons`: ways to search that are compared on the library's questions, and the reports."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.bodies import MAX_JSON_BYTES
from app.api.comparison_bodies import CompareBody, ComparisonRunBody, show_run
from app.api.requests import LibraryDependency

router = APIRouter(prefix="/comparisons", tags=["comparisons"])

ComparisonId = Annotated[
    str, Path(pattern=r"^\d{4}-\d\d-\d\d-\d{6}$", examples=["2026-11-27-094512"])
]

REPORT_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}}
}


class ComparedVariantBody(BaseModel):
    """A way to search that was compared."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    score: str = Field(description="its nDCG@10 and the 95 % interval")
    verdict: str = Field(description="how it compares with the first")


class ComparisonBody(BaseModel):
    """A finished comparison."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    title: str = Field(description="what the set of questions is called")
    made_at: datetime
    n_questions: int
    variants: list[ComparedVariantBody]


class ComparisonListBody(BaseModel):
    """The finished comparisons, newest first."""

    comparisons: list[ComparisonBody]
    total: int


@router.get("")
def list_comparisons(library: LibraryDependency) -> ComparisonListBody:
    """The finished comparisons that are kept with this library, newest first."""
    found = library.list_comparisons()
    bodies = [ComparisonBody.model_validate(comparison) for comparison in found]
    return ComparisonListBody(comparisons=bodies, total=len(bodies))


@router.post("", status_code=HTTPStatus.ACCEPTED, max_body_size=MAX_JSON_BYTES)
def begin_comparison(body: CompareBody, library: LibraryDependency) -> ComparisonRunBody:
    """Begins to compare ways to search on the library's own questions; one comparison at a time.

    All combinations of the lists are measured, in a process of its own; the first is what the
    others are compared with.
    """
    return show_run(library.comparison.start(body.lists))


@router.get("/run")
def look_at_comparison(library: LibraryDependency) -> ComparisonRunBody:
    """How far the comparison is that was begun last."""
    return show_run(library.comparison.look())


@router.delete("/run")
def cancel_comparison(library: LibraryDependency) -> ComparisonRunBody:
    """Ends it at once; what was indexed and asked is kept for the next one."""
    library.check_writable()
    library.comparison.cancel()
    return show_run(library.comparison.look())


@router.get("/{comparison_id}", response_class=Response, responses=REPORT_RESPONSES)
def show_comparison(comparison_id: ComparisonId, library: LibraryDependency) -> HTMLResponse:
    """The report of a comparison: one page that loads nothing else, and runs no script."""
    return HTMLResponse(library.read_comparison(comparison_id))
