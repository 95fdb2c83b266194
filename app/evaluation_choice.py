"""Which questions are asked: those of a folder, or a library's own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.handing_over import open_or_connect
from app.progress import show_progress
from app.settings import Settings
from retrieval.evaluation import EvaluationSet, load_evaluation_set


@contextmanager
def open_evaluation_set(
    folder: Path | None, settings: Settings
) -> Iterator[tuple[str, EvaluationSet]]:
    """What the evaluation set is called, and what it holds while it is entered.

    Args:
        folder: holds it; None for the questions of the library of the settings, which a server may
            hold.
        settings: name the library.

    Raises:
        InvalidEvaluationSet: the folder is none.
        NoQuestions: the library has no checked questions.
    """
    if folder is not None:
        yield folder.resolve().name, load_evaluation_set(folder)
        return
    with tempfile.TemporaryDirectory(prefix="pagelens-questions-") as scratch:
        exported = Path(scratch) / "set"
        with open_or_connect(settings) as opened, show_progress() as on_progress:
            opened.export_questions(exported, on_progress)
        yield f"the questions of {settings.library.name}", load_evaluation_set(exported)
