"""What an ingest would do, without doing it: files, pages, time and disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.sound_models import NONE, choose_sounds, refuse_sound
from app.spending import forecast_cost
from app.text_models import read_text_names
from ingest.documents import PAGES_PER_SECOND, SOUND_ENCODER_ID, Documents
from ingest.media_types import MediaType
from ingest.office import convert_to_pdf
from ingest.progress import OnProgress, Progress
from ingest.render_pool import RenderPool
from ingest.sources import Refusal, Source, find_files, is_library, read_source
from ingest.space_settings import SpaceSettings
from retrieval.disk import count_bytes
from retrieval.errors import FileRefused
from retrieval.hosted.cost import Cost


@dataclass(frozen=True, slots=True)
class Forecast:
    """What adding some files would come to.

    Attributes:
        documents: that would be added, with `pages` pages.
        skipped: files that the library holds already, or that are given twice.
        failed: files that would be refused.
        seconds: by the pace of the library's last run; None before its first one.
        n_bytes: on disk, by what a page takes in the library; None where it has none.
        cost: what vendors will be paid, by the page; None where all models of text run here.
    """

    documents: int
    pages: int
    skipped: int
    failed: tuple[Refusal, ...]
    seconds: float | None
    n_bytes: int | None
    cost: Cost | None


def forecast(
    folder: Path,
    database_url: SecretStr | None,
    text_models: tuple[str, ...] | None,
    paths: Iterable[Path],
    on_progress: OnProgress,
    sound_model: str = NONE,
) -> Forecast:
    """Looks at files as an ingest would, and writes nothing.

    Args:
        folder: the library's; need not be there.
        database_url: of its documents; None for SQLite in the folder.
        text_models: the text encoders of a new library; None for those that it has.
        paths: files, and folders with all below them.
        on_progress: called as files are checked.
        sound_model: the encoder of sounds that is set, or "auto".

    Raises:
        PathNotFound: a path does not exist.
    """
    known: set[str] = set()
    pace = bytes_a_page = bound_sounds = None
    if is_library(folder):
        with closing(Documents(folder, database_url)) as documents:
            known = {document.document_id for document in documents.list_whole()}
            bound_sounds = documents.read_setting(SOUND_ENCODER_ID)
            pace = documents.read_setting(PAGES_PER_SECOND)
            n_stored = documents.count().pages
            active = SpaceSettings(documents, documents.active_space())
            text_models = text_models or read_text_names(active.read)
        bytes_a_page = count_bytes(folder) / n_stored if n_stored else None
    files = find_files(paths)
    failed: list[Refusal] = []
    documents_found = pages = skipped = 0
    with RenderPool() as pool:
        for number, path in enumerate(files):
            on_progress(Progress("checking", number, len(files), path.name))
            source = read_source(path)
            if isinstance(source, Refusal):
                failed.append(source)
            elif source.document_id in known:
                skipped += 1
            else:
                known.add(source.document_id)
                try:
                    if source.media_type.is_sound and not choose_sounds(sound_model, bound_sounds):
                        raise refuse_sound(sound_model)
                    pages += _count_pages(pool, source)
                    documents_found += 1
                except FileRefused as error:
                    failed.append(Refusal(path, str(error)))
    on_progress(Progress("checking", len(files), len(files), ""))
    return Forecast(
        documents_found,
        pages,
        skipped,
        tuple(failed),
        pages / float(pace) if pace else None,
        round(pages * bytes_a_page) if bytes_a_page is not None else None,
        forecast_cost(text_models or (), pages),
    )


def _count_pages(pool: RenderPool, source: Source) -> int:
    """The pages of a file; those of an office file are made to be counted, and thrown away."""
    if not source.media_type.is_office:
        return pool.count_pages(source.path, source.media_type)
    with tempfile.TemporaryDirectory(prefix="pagelens-") as scratch:
        pdf = Path(scratch) / "pages.pdf"
        convert_to_pdf(source.path, source.media_type, pdf)
        return pool.count_pages(pdf, MediaType.PDF)
