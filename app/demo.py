"""The demo: the sample documents in a library of their own, and questions to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from app.library import Library
from app.settings import Settings
from ingest.documents import Documents
from ingest.progress import IngestReport, OnProgress
from ingest.sources import Refusal, find_files, is_library, read_source
from retrieval.errors import InvalidLibraryPath, PathNotFound

# Beside the code, in a checkout as well as where the package is installed.
SAMPLES = Path(__file__).parents[1] / "sample_docs" / "corpus"


@dataclass(frozen=True, slots=True)
class Example:
    """A question of the sample library, and what its answer shows.

    Attributes:
        shows: what the page is, for whoever chooses among examples.
        document: the name of the one that the first hit is of.
        page_number: 1-based.
    """

    question: str
    shows: str
    document: str
    page_number: int


EXAMPLES = (
    Example(
        "How many solar marker lanterns were ordered, and at what price each?",
        "a table in an invoice",
        "invoice-brannoch-chandlers.pdf",
        1,
    ),
    Example(
        "How many passengers did the ferry carry in its busiest month of 2024?",
        "a chart whose numbers are nowhere in the text",
        "haldry-annual-report-2024.pdf",
        3,
    ),
    Example(
        "How low did the barometer fall in the storm of November 1931?",
        "a tilted scan of a typed letter",
        "keepers-letter-1931-scan.pdf",
        1,
    ),
    Example(
        "portrait of an officer in uniform",
        "a photo without a word",
        "naval-officer-portrait.jpg",
        1,
    ),
    Example("How high is Carrick Hill?", "a map", "map-of-haldry.png", 1),
    Example(
        "Combien de marches y a-t-il jusqu'en haut de la tour du phare ?",
        "a page in French",
        "depliant-musee-du-phare.pdf",
        1,
    ),
    Example(
        "Whom should the harbour call if something happens to the owner of Puffin's Errand?",
        "a form that was filled in",
        "mooring-application-form.pdf",
        1,
    ),
)


def find_examples(library: Library) -> tuple[Example, ...]:
    """The examples whose documents a library holds: all in the demo, none in most others."""
    names = {document.name for document in library.list_documents()}
    return tuple(example for example in EXAMPLES if example.document in names)


def make_demo_settings(settings: Settings, *, has_folder: bool) -> Settings:
    """The settings of the demo: whatever is set, it is read-only and keeps to its own folder.

    Args:
        settings: those of the environment and the command line.
        has_folder: whether its folder was asked for; else it is one among the user's caches.
    """
    folder = settings.library if has_folder else user_cache_path("pagelens") / "demo"
    return settings.model_copy(
        update={
            "library": folder,
            "read_only": True,
            "database_url": None,
            "bucket": None,
            "qdrant_url": None,
        }
    )


def prepare_demo(settings: Settings, on_progress: OnProgress) -> IngestReport | None:
    """Adds the sample documents that the library of the demo lacks.

    Returns:
        What was added; None where all were there, which is found out without loading a model.

    Raises:
        PathNotFound: the sample documents are not there.
        InvalidLibraryPath: the library holds other documents.
        PagelensError: it cannot be opened or written.
    """
    if not SAMPLES.is_dir():
        raise PathNotFound(f"{SAMPLES}: no such folder; the demo's documents belong there")
    sources = [read_source(path) for path in find_files([SAMPLES])]
    samples = {source.document_id for source in sources if not isinstance(source, Refusal)}
    there = _list_ids(settings)
    if there - samples:
        raise InvalidLibraryPath(
            f"{settings.library} holds documents of its own, which the demo would show and mix "
            "with others"
        )
    if there == samples:
        return None
    with Library(settings.model_copy(update={"read_only": False})) as library:
        return library.ingest([SAMPLES], on_progress)


def _list_ids(settings: Settings) -> set[str]:
    if not is_library(settings.library):
        return set()
    documents = Documents(settings.library)
    try:
        return {document.document_id for document in documents.list_whole()}
    finally:
        documents.close()
