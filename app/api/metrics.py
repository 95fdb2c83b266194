"""What Prometheus reads: requests and how long they took, and what the library holds."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.library import Library
from ingest.jobs import JobState

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# A search takes some tenths of a second on a CPU, an upload as long as the line lets it.
LATENCY_BUCKETS_S = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

# What is no route of the API: the web page and its files, or nothing at all.
OTHER_ROUTES = "other"
API_ROUTES = ("/api/v1", "/health", "/ready", "/metrics")


class RequestMetrics:
    """Counts the requests of an application, by route, method and status."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "pagelens_requests",
            "Requests answered",
            ("route", "method", "status"),
            registry=registry,
        )
        self._latency = Histogram(
            "pagelens_request_seconds",
            "Until an answer begins",
            ("route", "method"),
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and notes how its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                route, method = _name_route(scope), _name_method(scope)
                self._requests.labels(route, method, str(message["status"])).inc()
                self._latency.labels(route, method).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, send_and_count)


def _name_route(scope: Scope) -> str:
    """The pattern of the route, not the path: paths are as many as there are documents."""
    route: Any = scope.get("route")
    path = f"{scope.get('root_path', '')}{getattr(route, 'path', '')}"
    return path if route is not None and path.startswith(API_ROUTES) else OTHER_ROUTES


def _name_method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else OTHER_ROUTES


class LibraryCollector(Collector):
    """Counts what a library holds whenever the metrics are read."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields documents, pages, and jobs by state."""
        counts = self._library.count()
        yield GaugeMetricFamily("pagelens_documents", "Whole documents", counts.documents)
        yield GaugeMetricFamily("pagelens_pages", "Pages that can be found", counts.pages)
        jobs = GaugeMetricFamily("pagelens_jobs", "Jobs by their state", labels=["state"])
        tally = Tally(job.state for job in self._library.jobs.list_all())
        for state in JobState:
            jobs.add_metric([state.value], tally[state])
        yield jobs
