"""The library tab: add documents, see what is there, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app.ingest_output import describe_report
from app.library import Library
from app.wording import count_things, format_bytes
from ingest.documents import Document
from ingest.progress import STAGE_UNITS, Progress
from retrieval.errors import PagelensError
from ui.events import UNQUEUED
from ui.text import show_line, show_refusals

HEADERS = ("Document", "Kind", "Pages", "Size", "Added")

Shown = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LibraryTab:
    """Adds, lists and deletes documents."""

    library: Library

    def build(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Lays out the tab and wires its events."""
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                # Content decides what a file is, so no type is asked for here.
                files = gr.File(
                    label="PDFs, scans and pictures: choose or drop them, then press Add",
                    file_count="multiple",
                    file_types=None,
                    height=180,
                    elem_id="files",
                )
                add = gr.Button("Add to the library", variant="primary", elem_id="add")
                report = gr.HTML(elem_id="add-report")
                refusals = gr.HTML(elem_id="refusals")
            with gr.Column(scale=3, min_width=320):
                summary = gr.HTML(elem_id="library-summary")
                table = gr.Dataframe(
                    headers=list(HEADERS),
                    datatype="str",
                    type="array",
                    label="Documents",
                    show_label=False,
                    interactive=False,
                    wrap=True,
                    max_height=420,
                    # On a phone the table scrolls: shares of its width would break words.
                    column_widths=["290px", "84px", "84px", "92px", "160px"],
                    buttons=[],
                    elem_id="documents",
                )
                with gr.Row(elem_id="delete-row"):
                    chosen = gr.Dropdown(
                        label="Delete a document", choices=[], scale=4, elem_id="chosen"
                    )
                    delete = gr.Button("Delete", scale=1, min_width=100, elem_id="delete")
                with gr.Row(visible=False) as confirmation:
                    confirm = gr.Button("Yes, delete it", variant="stop", elem_id="confirm-delete")
                    keep = gr.Button("Keep it", elem_id="keep")
                deletion = gr.HTML(elem_id="deletion")
        listed = [summary, table, chosen, confirmation]
        private = {"api_visibility": "private"}
        quiet = {"show_progress": "hidden", **UNQUEUED, **private}
        add.click(
            self.add, files, [files, report, refusals, *listed], show_progress_on=files, **private
        )
        delete.click(self.ask_to_confirm, chosen, [confirmation, deletion], **quiet)
        keep.click(self.hide_confirmation, None, confirmation, **quiet)
        chosen.input(self.hide_confirmation, None, confirmation, **quiet)
        confirm.click(self.delete, chosen, [deletion, *listed], **quiet)
        for event in (page.load, tab.select):
            event(self.list_documents, None, listed, **quiet)

    def add(self, files: Sequence[str] | None, progress: gr.Progress = gr.Progress()) -> Shown:  # noqa: B008
        """Adds the uploaded files and says what became of them."""

        def show_progress(at: Progress) -> None:
            text = f"{at.stage.capitalize()} {at.document}".rstrip()
            progress((at.done, at.total or None), desc=text, unit=STAGE_UNITS[at.stage])

        if not files:
            nothing = show_line("Choose files, or drop them above, first.")
            return gr.skip(), nothing, "", *self.list_documents()
        try:
            report = self.library.ingest(
                [Path(file) for file in files],
                show_progress,
                are_uploads=True,
                # Others may be searching: the index is merged when it is served again.
                optimize=False,
            )
        except PagelensError as error:
            return None, show_line(str(error)), "", *self.list_documents()
        refused = [f"{refusal.path.name}: {refusal.error}" for refusal in report.failed]
        line = show_line(describe_report(report))
        return None, line, show_refusals(refused), *self.list_documents()

    def list_documents(self) -> Shown:
        """The summary, the table, what can be deleted; and no question open."""
        documents = self.library.list_documents()
        counts = self.library.count()
        summary = show_line(
            f"{count_things(counts.documents, 'document')}, {count_things(counts.pages, 'page')}, "
            f"encoder {self.library.encoder.spec.id}"
        )
        choices = [
            (f"{d.name} ({count_things(d.n_pages, 'page')}, added {format_time(d)})", d.document_id)
            for d in documents
        ]
        return (
            summary,
            [describe_document(document) for document in documents],
            gr.Dropdown(choices=choices, value=None),
            gr.Row(visible=False),
        )

    def ask_to_confirm(self, document_id: str | None) -> Shown:
        """Opens the question whether to delete, where a document is chosen."""
        text = "" if document_id else "Choose a document first."
        return gr.Row(visible=bool(document_id)), show_line(text)

    def hide_confirmation(self) -> Any:
        """Takes the question back."""
        return gr.Row(visible=False)

    def delete(self, document_id: str) -> Shown:
        """Deletes a document, after the second click."""
        try:
            document = self.library.find_document(document_id)
            self.library.delete(document.document_id)
        except PagelensError as error:
            return show_line(str(error)), *self.list_documents()
        n_pages = count_things(document.n_pages, "page")
        return show_line(f"Deleted {document.name} ({n_pages})."), *self.list_documents()


def describe_document(document: Document) -> list[str]:
    """One line of the table."""
    return [
        document.name,
        document.kind.value,
        f"{document.n_pages:,}",
        format_bytes(document.n_bytes),
        format_time(document),
    ]


def format_time(document: Document) -> str:
    """When a document was added, by this machine's clock."""
    return document.added_at.astimezone().strftime("%Y-%m-%d %H:%M")
