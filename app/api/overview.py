"""`/status`, `/tags` and `/models`: what the library holds, and what it can be made with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.api.bodies import StatusBody, TagCountBody, TagListBody
from app.api.requests import LibraryDependency
from app.model_output import reranker_json, spec_json
from app.status_output import status_json
from retrieval.encoders.catalog import PAGE_CATALOG
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.rerankers.catalog import RERANKER_CATALOG

router = APIRouter(tags=["library"])


@router.get("/status", response_model=StatusBody, response_model_exclude_unset=True)
def show_status(library: LibraryDependency) -> dict[str, Any]:
    """What the library holds, as `pagelens status --json` prints it."""
    return status_json(library.status())


@router.get("/tags")
def list_tags(library: LibraryDependency) -> TagListBody:
    """Every tag that documents bear, the most frequent first."""
    return TagListBody(tags=[TagCountBody.model_validate(tag) for tag in library.list_tags()])


@router.get("/models")
def list_models() -> list[dict[str, Any]]:
    """The encoders of pages and of photos, and the rerankers, as `pagelens models --json`."""
    encoders = map(spec_json, PAGE_CATALOG + PHOTO_CATALOG)
    return [*encoders, *map(reranker_json, RERANKER_CATALOG)]
