"""Many clients at a server at once: how many requests it answers, how soon, and what it loses.

`pagelens serve` holds a library of generated pages. So many clients search over HTTP, each as soon
as it has its answer; others upload PDFs that differ, of one to three pages, with pauses.
When the time is over, the jobs of all accepted uploads are waited for, and each must be a whole
document, found by the SHA-256 of what was sent, with as many pages.

The exit code is 1 where an upload was lost, a request was not answered, or one was answered with a
status of 500 or above.

    python -m tests.benchmarks.load --clients 50 --uploaders 5 --seconds 120
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.api.bodies import JobBody, JobListBody
from app.client import ANSWER_TIMEOUT_S, PagelensClient
from ingest.jobs import JobState
from tests.benchmarks.encode import describe_machine
from tests.benchmarks.paragraph_pdfs import write_pdf, write_question
from tests.terminal import run_pagelens, serve_pagelens

# So that uploads are many, and yet can all be indexed in the end.
UPLOAD_PAUSE_S = 2.0
MOST_UPLOADED_PAGES = 3

# All clients have one address here, as they would behind a proxy; the default is 120.
UPLOADS_PER_MINUTE = 6_000
INGEST_TIMEOUT_S = 1_800


@dataclass(frozen=True, slots=True)
class Upload:
    """A PDF that the server has accepted."""

    job: JobBody
    document_id: str
    n_pages: int


@dataclass(slots=True)
class Answers:
    """What became of the requests.

    Attributes:
        statuses: how often each was answered, by what was asked.
        searches_s: how long each search took that was answered.
        unanswered: what went wrong with the others.
        accepted: the uploads.
    """

    statuses: dict[str, Counter[int]] = field(
        default_factory=lambda: {"search": Counter(), "upload": Counter()}
    )
    searches_s: list[float] = field(default_factory=list)
    unanswered: Counter[str] = field(default_factory=Counter)
    accepted: list[Upload] = field(default_factory=list)


class Visitors:
    """Those who ask a server, all at once, until a time is over."""

    def __init__(self, http: httpx.AsyncClient, folder: Path, n_pages: int, seconds: float) -> None:
        """Prepares them.

        Args:
            http: speaks to the server.
            folder: where the PDFs are written that are uploaded.
            n_pages: generated pages that the library holds.
            seconds: how long requests are begun.
        """
        self.answers = Answers()
        self._http = http
        self._folder = folder
        self._n_pages = n_pages
        self._end = time.perf_counter() + seconds
        self._numbers = count()

    async def search(self, client: int) -> None:
        """Asks one question after the other."""
        chance = random.Random(client)
        while time.perf_counter() < self._end:
            question = write_question(chance.randrange(self._n_pages))
            began = time.perf_counter()
            if await self._post("search", json={"question": question}):
                self.answers.searches_s.append(time.perf_counter() - began)

    async def upload(self, client: int) -> None:
        """Hands in one PDF after the other; again where the server takes no more for now."""
        chance = random.Random(client)
        while time.perf_counter() < self._end:
            number = next(self._numbers)
            first_page = self._n_pages + MOST_UPLOADED_PAGES * number
            n_pages = 1 + number % MOST_UPLOADED_PAGES
            path = self._folder / f"upload-{number:05}.pdf"
            content = write_pdf(path, first_page, n_pages).read_bytes()
            answer = await self._post("upload", files={"files": (path.name, content)})
            if answer is not None and answer.status_code == HTTPStatus.ACCEPTED:
                (job,) = JobListBody.model_validate_json(answer.content).jobs
                document_id = hashlib.sha256(content).hexdigest()
                self.answers.accepted.append(Upload(job, document_id, n_pages))
            wait_s = 0 if answer is None else int(answer.headers.get("retry-after", 0))
            await asyncio.sleep(wait_s or chance.uniform(0.5, 1.5) * UPLOAD_PAUSE_S)

    async def _post(self, what: str, **content: object) -> httpx.Response | None:
        route = {"search": "/api/v1/search", "upload": "/api/v1/documents"}[what]
        try:
            answer = await self._http.post(route, **content)
        except httpx.HTTPError as error:
            self.answers.unanswered[f"{what}: {type(error).__name__}"] += 1
            return None
        self.answers.statuses[what][answer.status_code] += 1
        return answer


async def visit(
    address: str, folder: Path, n_pages: int, n_clients: int, n_uploaders: int, seconds: float
) -> Answers:
    """Lets all of them ask, and waits for the last answer."""
    async with httpx.AsyncClient(
        base_url=address,
        timeout=ANSWER_TIMEOUT_S,
        limits=httpx.Limits(max_connections=None),
        trust_env=False,
    ) as http:
        visitors = Visitors(http, folder, n_pages, seconds)
        await asyncio.gather(
            *(visitors.search(client) for client in range(n_clients)),
            *(visitors.upload(client) for client in range(n_uploaders)),
        )
    return visitors.answers


def find_lost(client: PagelensClient, uploads: Sequence[Upload]) -> list[str]:
    """Waits for the jobs of the uploads; what is missing of them in the library."""
    states = [client.wait(upload.job) for upload in track(uploads, "Waiting for jobs")]
    n_pages = {document.document_id: document.pages for document in client.list_documents()}
    lost = []
    for upload, job in zip(uploads, states, strict=True):
        found = n_pages.get(upload.document_id)
        if job.state is not JobState.DONE or job.error or found != upload.n_pages:
            lost.append(
                f"{job.name}: {job.state.value}, {found} of {upload.n_pages} pages, {job.error}"
            )
    return lost


def measure(folder: Path, n_pages: int, n_clients: int, n_uploaders: int, seconds: float) -> dict:
    """Makes a library, has it served and asked, and gives the figures."""
    uploads = folder / "uploads"
    uploads.mkdir()
    held = write_pdf(folder / "held.pdf", 0, n_pages)
    ended = run_pagelens(
        "ingest", held, "--library", folder / "library", timeout_s=INGEST_TIMEOUT_S
    )
    assert ended.returncode == 0, ended.stderr
    with (
        serve_pagelens(folder / "library", uploads_per_minute=UPLOADS_PER_MINUTE) as server,
        PagelensClient(server.address) as client,
    ):
        began = time.perf_counter()
        answers = asyncio.run(
            visit(server.address, uploads, n_pages, n_clients, n_uploaders, seconds)
        )
        took_s = time.perf_counter() - began
        machine = describe_machine("cpu")
        lost = find_lost(client, answers.accepted)
        waited_s = time.perf_counter() - began - took_s
    n_answers = sum(sum(counts.values()) for counts in answers.statuses.values())
    p50, p95, longest = np.percentile(answers.searches_s, [50, 95, 100])
    return {
        "machine": machine,
        "clients": n_clients,
        "uploaders": n_uploaders,
        "pages": n_pages,
        "uploads_per_minute": UPLOADS_PER_MINUTE,
        "seconds": took_s,
        "requests_per_second": n_answers / took_s,
        "search_p50_ms": 1e3 * p50,
        "search_p95_ms": 1e3 * p95,
        "search_max_ms": 1e3 * longest,
        "statuses": {what: dict(counts) for what, counts in answers.statuses.items()},
        "unanswered": dict(answers.unanswered),
        "accepted": len(answers.accepted),
        "accepted_pages": sum(upload.n_pages for upload in answers.accepted),
        "seconds_until_indexed": waited_s,
        "lost": lost,
    }


def has_failed(figures: dict) -> bool:
    """Whether an upload was lost, a request was not answered, or the server failed at one."""
    statuses = [status for counts in figures["statuses"].values() for status in counts]
    return bool(figures["lost"] or figures["unanswered"] or max(statuses) >= 500)


def print_figures(figures: dict) -> None:
    console = Console()
    machine = figures["machine"]
    console.print(", ".join(f"{name} {value}" for name, value in machine.items() if value))
    console.print(
        f"{figures['clients']} clients searching {figures['pages']:,} pages, "
        f"{figures['uploaders']} uploading, {figures['seconds']:.0f} s until the last answer "
        f"(PAGELENS_UPLOADS_PER_MINUTE={figures['uploads_per_minute']})"
    )
    table = Table(show_header=False)
    table.add_row("requests/s", f"{figures['requests_per_second']:.2f}")
    table.add_row(
        "searches, p50, p95, longest",
        ", ".join(f"{figures[f'search_{name}_ms']:,.0f} ms" for name in ("p50", "p95", "max")),
    )
    for what, counts in figures["statuses"].items():
        told = ", ".join(f"{number:,} times {status}" for status, number in sorted(counts.items()))
        table.add_row(f"{what}, by status", told)
    table.add_row(
        "not answered", json.dumps(figures["unanswered"]) if figures["unanswered"] else "0"
    )
    table.add_row(
        "uploads accepted",
        f"{figures['accepted']:,} ({figures['accepted_pages']:,} pages), all over "
        f"{figures['seconds_until_indexed']:.0f} s later",
    )
    table.add_row("uploads lost", "\n".join(figures["lost"]) or "0")
    console.print(table)


def main() -> int:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=50, help="that search (default: 50)")
    parser.add_argument("--uploaders", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=float, default=120, help="default: 120")
    parser.add_argument("--pages", type=int, default=200, help="in the library (default: 200)")
    parser.add_argument("--json", action="store_true", help="figures as JSON, instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pagelens-load-") as folder:
        figures = measure(
            Path(folder), options.pages, options.clients, options.uploaders, options.seconds
        )
    if options.json:
        print(json.dumps(figures))
    else:
        print_figures(figures)
    return int(has_failed(figures))


if __name__ == "__main__":
    sys.exit(main())
