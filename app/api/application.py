"""Puts the API together: its routes, its description, and the doors before all of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from anyio import CapacityLimiter
from fastapi import FastAPI, Security
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from app.api import (
    ask,
    backup,
    comparisons,
    documents,
    jobs,
    migrations,
    overview,
    questions,
    search,
)
from app.api.backup import SAVING
from app.api.doors import HEALTH, Doors, SecurityHeaders
from app.api.errors import ERROR_RESPONSES, install_error_pages
from app.api.metrics import LibraryCollector, RequestMetrics
from app.api.requests import make_answer_turns, make_rendering_turns, make_search_turns
from app.api.uploads import RECEIVING
from app.library import Library
from app.settings import Settings

DESCRIPTION = """\
Search documents by how they look: upload them, follow their jobs, ask questions.

Page numbers are 1-based. Boxes are fractions of a page's width and height, origin top left. Every
failure is answered with `{"error": {"type", "message", "remedy"}}`.
"""
VERSION = "1"


def build_application(library: Library, settings: Settings) -> FastAPI:
    """The API, health and metrics behind their doors; other applications may be mounted on it.

    Args:
        library: is open, and closed by whoever opened it.
        settings: lock the doors, and limit what is uploaded.

    Raises:
        InvalidSetting, MissingCredentials: the doors would stand open to other machines.
    """
    remove_what_was_cut_off(library)
    registry = CollectorRegistry()
    registry.register(LibraryCollector(library))
    # FastAPI's own documentation page would fetch its scripts from another host.
    app = FastAPI(title="Pagelens", openapi_url=None)
    install_error_pages(app)
    # Each stands before those that are added above it. CORS allows nothing; without it the web
    # page's framework would allow some.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.upload_limit_bytes)
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(Doors, settings=settings)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestMetrics, registry=registry)
    app.add_api_route(HEALTH, check_health)
    app.add_api_route("/ready", check_ready(library))
    app.add_api_route("/metrics", show_metrics(registry))
    # Those of the web page and of the API are the same.
    app.state.search_turns = make_search_turns()
    app.state.answer_turns = make_answer_turns()
    app.mount("/api/v1", build_api(library, app.state.search_turns, app.state.answer_turns))
    return app


def build_api(
    library: Library, search_turns: CapacityLimiter, answer_turns: CapacityLimiter
) -> FastAPI:
    """The routes under /api/v1, with their OpenAPI description."""
    api = FastAPI(
        title="Pagelens",
        description=DESCRIPTION,
        version=VERSION,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=ERROR_RESPONSES,
        # The doors check them; here they are described.
        dependencies=[
            Security(DescribedScheme("bearer", "the server's API key")),
            Security(DescribedScheme("basic", "its user and password")),
        ],
    )
    api.state.library = library
    api.state.search_turns = search_turns
    api.state.rendering_turns = make_rendering_turns()
    api.state.answer_turns = answer_turns
    install_error_pages(api)
    for module in (
        documents,
        jobs,
        search,
        ask,
        questions,
        comparisons,
        overview,
        backup,
        migrations,
    ):
        api.include_router(module.router)
    return api


class DescribedScheme(SecurityBase):
    """A way to log in as the OpenAPI description names it; refuses nothing."""

    def __init__(self, scheme: str, description: str) -> None:
        self.model = HTTPBase(scheme=scheme, description=description)
        self.scheme_name = scheme

    def __call__(self) -> None:
        """Lets everything pass: what comes here has passed the doors."""


async def check_health() -> dict[str, str]:
    """Answers as long as the server does, and waits for no thread."""
    return {"status": "ok"}


def check_ready(library: Library) -> Callable[[], dict[str, str]]:
    """The route that says whether the library can be read; it fails where it cannot."""

    def ready() -> dict[str, str]:
        library.count()
        return {"status": "ready"}

    return ready


def show_metrics(registry: CollectorRegistry) -> Callable[[], Response]:
    """The route that Prometheus reads."""

    def metrics() -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return metrics


def remove_what_was_cut_off(library: Library) -> None:
    """Removes what was being received or saved when an earlier server was killed."""
    for folder in (
        *library.upload_folder.glob(f"{RECEIVING}*"),
        *library.folder.glob(f"{SAVING}*"),
    ):
        shutil.rmtree(folder, ignore_errors=True)
