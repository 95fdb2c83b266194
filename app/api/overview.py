"""`/status`, `/tags` and `/models`: what the library holds, and what it can be made with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.api.bodies import StatusBody, TagCountBody, TagListBody
from app.api.requests import LibraryDependency
from app.model_filters import Group, Licence
from app.model_list import list_models, model_json
from app.status_output import status_json

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
def show_models(
    licence: Licence = Licence.ANY, modality: Group | None = None
) -> list[dict[str, Any]]:
    """The models of the catalogs, as `pagelens models --json` prints them."""
    return [model_json(model) for model in list_models(modality, licence)]
