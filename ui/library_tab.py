"""The library tab: files on their way, the documents that are there, and what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from app.api.bodies import TagsBody
from app.cataloguing import DocumentOrder, DocumentQuery
from app.library import Library
from app.migration_output import describe_migration, describe_order, migration_body
from app.model_output import describe_encoders
from app.wording import count_things, format_bytes
from ingest.documents import Document
from retrieval.errors import InvalidRequest, PagelensError
from retrieval.records import Kind
from ui.cards import measure_page, name_page
from ui.events import UNQUEUED
from ui.job_list import render_jobs
from ui.rendering import render
from ui.text import show_line

# Documents that are listed before more are asked for, and as many more each time.
STEP_DOCUMENTS = 50
KINDS = frozenset(kind.value for kind in Kind)
ORDERS = frozenset(order.value for order in DocumentOrder)


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document as the list shows it; `size_px` is that of its first page's picture."""

    document: Document
    page: str
    size_px: tuple[int, int] | None
    kind: str
    added: str


@dataclass(frozen=True, slots=True)
class LibraryTab:
    """Lists jobs and documents, and acts on them.

    Attributes:
        library: holds them.
        upload_limit_bytes: the largest file that the server takes.
    """

    library: Library
    upload_limit_bytes: int

    def build(self, tab: gr.Tab, bridge: gr.HTML) -> None:
        """Lays out the tab and wires its events."""
        bare: dict[str, Any] = {"apply_default_css": False}
        frame = render(
            "library.html",
            read_only=self.library.is_read_only,
            upload_limit_bytes=self.upload_limit_bytes,
        )
        gr.HTML(frame, elem_id="adding", **bare)
        notice = gr.HTML(elem_id="library-notice", **bare)
        jobs = gr.HTML(elem_id="jobs", **bare)
        form = gr.HTML(self.show_form, elem_id="documents-box", **bare)
        summary = gr.HTML(elem_id="library-summary", **bare)
        documents = gr.HTML(elem_id="documents", **bare)
        listed = [notice, jobs, summary, documents]
        quiet = {"show_progress": "hidden", "api_visibility": "private", **UNQUEUED}
        bridge.library(self.act, None, listed, trigger_mode="multiple", **quiet)
        # Asked for every second while a job is under way; one that comes late is passed over.
        bridge.jobs(self.show_jobs, None, jobs, **quiet)
        tab.select(self.show_form, None, form, **quiet)

    def show_form(self) -> str:
        """The fields that say which documents are listed, and how."""
        return render("documents_form.html", tags=self.library.list_tags())

    def show_jobs(self) -> str:
        """The files on their way, as they stand."""
        return render_jobs(self.library, read_only=self.library.is_read_only)

    def act(self, event: gr.EventData) -> tuple[str, str, str, str]:
        """Does what a button of the page says, then lists what there is."""
        try:
            said = self._do(str(event.act), event)
        except PagelensError as error:
            said = str(error)
        return show_line(said), self.show_jobs(), self._summarise(), self._list(dict(event.view))

    def _do(self, act: str, event: gr.EventData) -> str:
        """What came of an act, in words; nothing where it is seen in the lists."""
        if act == "list":
            return ""
        # Not all that follows asks by itself, and no door stands before an event of the page.
        self.library.check_writable()
        name = str(event.id)
        match act:
            case "delete":
                document = self.library.find_document(name)
                self.library.delete(document.document_id)
                n_pages = count_things(document.n_pages, "page")
                return f"Deleted {document.name} ({n_pages})."
            case "tag":
                document = self.library.write_tags(name, read_tags(str(event.tags)))
                return f"{document.name} has {count_things(len(document.tags), 'tag')} now."
            case "reindex":
                job = self.library.reindex(name)
                return f"{job.name} is read anew; until that is done it is not found."
            case "cancel":
                self.library.jobs.cancel(name)
            case "pause":
                self.library.jobs.pause(name)
            case "resume":
                self.library.jobs.resume(name)
            case "retry":
                self.library.jobs.retry(name)
            case "dismiss":
                self.library.jobs.forget(name)
        return ""

    def _summarise(self) -> str:
        status = self.library.status()
        counts = status.counts
        held = (
            f"{count_things(counts.documents, 'document')}, {count_things(counts.pages, 'page')}, "
            f"{count_things(counts.photos, 'photo')}"
            + (f", {count_things(counts.sounds, 'sound')}" if counts.sounds else "")
            + f"; {format_bytes(status.n_bytes)} on the disk."
        )
        lines = show_line(held) + show_line(" ".join(describe_encoders(self.library)))
        if status.migration is not None:
            migration = migration_body(status.migration, *status.migrated_pages)
            lines += show_line(describe_migration(migration))
        if status.order is not None:
            lines += show_line(describe_order(status.order))
        return lines

    def _list(self, view: dict[str, Any]) -> str:
        query = DocumentQuery(
            contains=str(view.get("contains") or "").strip() or None,
            kind=Kind(view["kind"]) if view.get("kind") in KINDS else None,
            tag=str(view.get("tag") or "") or None,
            sort=DocumentOrder(view["sort"]) if view.get("sort") in ORDERS else DocumentOrder.ADDED,
        )
        documents = self.library.list_documents(query)
        limit = max(STEP_DOCUMENTS, int(view.get("limit") or 0))
        shown = [self._describe(document) for document in documents[:limit]]
        return render(
            "documents.html",
            documents=shown,
            is_empty=query == DocumentQuery(),
            n_more=len(documents) - len(shown),
            next_limit=limit + STEP_DOCUMENTS,
            read_only=self.library.is_read_only,
        )

    def _describe(self, document: Document) -> ListedDocument:
        return ListedDocument(
            document,
            name_page(document.document_id, 0),
            measure_page(self.library, document.document_id, 0),
            describe_kind(document),
            document.added_at.astimezone().strftime("%Y-%m-%d %H:%M"),
        )


def read_tags(text: str) -> list[str]:
    """The tags that somebody wrote with commas between them, within the limits of the API.

    Raises:
        InvalidRequest: they are too many, or one is too long.
    """
    tags = dict.fromkeys(tag.strip() for tag in text.split(","))
    try:
        return TagsBody(tags=[tag for tag in tags if tag]).tags
    except ValidationError as error:
        raise InvalidRequest(f"tags: {error.errors()[0]['msg']}") from error


def describe_kind(document: Document) -> str:
    """What a document is to people: a format, and whether it is found by its looks."""
    name = document.media_type.name
    return name if document.kind is Kind.PAGE else f"{document.kind.value}, {name}"
