"""Compares ways to search while a library is served: begins it, looks how far it is, ends it."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING

from app.comparison_state import ComparisonState, VariantState
from app.settings import Settings
from ingest.progress import Progress
from retrieval.encoders.devices import AUTO
from retrieval.errors import JobNotPossible, NoQuestions, PagelensError

if TYPE_CHECKING:
    from app.comparison_child import ComparisonOrder
    from app.library import Library
    from app.variants import Variant

CRASHED = "the process that compared has failed; the log of the server says why"


class _Cancelled(Exception):
    """Ends a run from within."""


class ComparisonRun:
    """Compares in a process of its own, one comparison at a time, while others look how far it is.

    What compares, and with it the model libraries, is imported when it is asked for.
    """

    def __init__(self, library: Library, settings: Settings) -> None:
        self._library = library
        self._settings = settings
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process: SpawnProcess | None = None
        self._is_cancelled = False
        self._state = ComparisonState()

    def start(self, lists: Mapping[str, str]) -> ComparisonState:
        """Begins to compare all combinations of some lists on the library's questions.

        Args:
            lists: field of a variant -> values with commas between them, as `list_variants` takes
                them; what is not given is as the library has it.

        Raises:
            ReadOnlyLibrary: nobody may change the library, with which the report is kept.
            JobNotPossible: a comparison is under way.
            NoQuestions: the library has fewer than two that one of its pages answers.
            InvalidVariant: a value cannot be read, or there are fewer than two ways.
            UnknownEncoder: a model or reranker is neither known nor a folder nor a hub id.
        """
        from app.comparison import FEWEST_QUESTIONS
        from app.variants import list_variants, name_variants

        self._library.check_writable()
        with self._lock:
            if self._state.is_running:
                raise JobNotPossible("a comparison is under way already; cancel it, or wait for it")
            whole = {**self._describe_own(), **lists}
            variants = list_variants(whole, (), self._settings)
            n_questions = len(self._library.require_judged_questions())
            if n_questions < FEWEST_QUESTIONS:
                raise NoQuestions("a comparison takes two questions or more, and there is one")
            self._is_cancelled = False
            self._state = ComparisonState(
                is_running=True,
                n_questions=n_questions,
                variants=tuple(VariantState(name) for name in name_variants(variants)),
            )
            self._thread = threading.Thread(
                target=self._run, args=(variants, whole), name="comparing"
            )
            self._thread.start()
            return self._state

    def look(self) -> ComparisonState:
        """How far the comparison is that was begun last."""
        return self._state

    def cancel(self) -> None:
        """Ends it at once; what was indexed and asked is kept for the next one."""
        with self._lock:
            self._is_cancelled = True
            if self._process is not None:
                _kill(self._process)

    def close(self) -> None:
        """Ends it, and waits until it has ended."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()

    def _describe_own(self) -> dict[str, str]:
        """How the library itself is made, as lists of one value each."""
        from app.encoders import choose_storage

        encoders = self._library.encoders
        own = {"model": encoders.choice.name}
        if encoders.text_names:
            own["text_models"] = "+".join(encoders.text_names)
        if encoders.pool_factor > 1:
            own["pool_factor"] = str(encoders.pool_factor)
        # Other models have defaults of their own.
        if encoders.vector_storage is not choose_storage(AUTO, encoders.pages):
            own["vector_storage"] = encoders.vector_storage.value
        if encoders.asked_reranker != AUTO:
            own["reranker"] = encoders.asked_reranker
        return own

    def _run(self, variants: tuple[Variant, ...], lists: Mapping[str, str]) -> None:
        from app.comparison_child import ComparisonOrder

        error = None
        try:
            with tempfile.TemporaryDirectory(
                prefix="pagelens-compare-", ignore_cleanup_errors=True
            ) as scratch:
                folder = Path(scratch) / "set"
                self._library.export_questions(folder, self._gather)
                error = self._follow(
                    ComparisonOrder(
                        title=f"the questions of {self._library.folder.name}",
                        folder=folder,
                        variants=variants,
                        settings=self._settings,
                        command=describe_command(self._library.folder, lists),
                    )
                )
        except _Cancelled:
            pass
        except PagelensError as failure:
            error = str(failure)
        except Exception:
            error = CRASHED
            raise
        finally:
            self._end(error)

    def _gather(self, progress: Progress) -> None:
        if self._is_cancelled:
            raise _Cancelled
        self._state = replace(self._state, gathering=progress)

    def _follow(self, order: ComparisonOrder) -> str | None:
        """Has a process compare until it ends; says why it did, where it has not said so itself."""
        from app.comparison_child import compare_in_child

        context = multiprocessing.get_context("spawn")
        hearing, telling = context.Pipe(duplex=False)
        process = context.Process(target=compare_in_child, args=(order, telling), name="compare")
        with hearing:
            with self._lock, telling:
                if self._is_cancelled:
                    raise _Cancelled
                process.start()
                self._process = process
            # It has the only other end: where it ends, however that is, so does the pipe.
            with suppress(EOFError):
                while True:
                    self._state = self._state.take(hearing.recv())
        process.join()
        has_said = self._state.report is not None or self._state.error is not None
        return None if has_said else explain_exit(process.exitcode)

    def _end(self, error: str | None) -> None:
        with self._lock:
            self._process = None
            state = self._state.leave_off()
            # Who cancels what is just done finds it done.
            is_cancelled = self._is_cancelled and state.report is None
            self._state = replace(
                state,
                is_running=False,
                is_cancelled=is_cancelled,
                gathering=None,
                error=None if is_cancelled else state.error or error,
            )


def describe_command(library: Path, lists: Mapping[str, str]) -> str:
    """What compares the same in a terminal.

    Args:
        library: its folder.
        lists: field of a variant -> values with commas between them.
    """
    words = ["pagelens", "compare", "--library", str(library)]
    for name, values in lists.items():
        words += [f"--{name.removesuffix('s').replace('_', '-')}s", values]
    return shlex.join(words)


def explain_exit(exit_code: int | None) -> str:
    """Why a process has ended that had more to tell, for people."""
    if exit_code == -signal.SIGKILL:
        return "the process that compared was killed; the memory may not be enough for a model"
    return CRASHED


def _kill(process: SpawnProcess) -> None:
    """Ends a process with all that it has begun, whatever it is at."""
    if process.pid is None or not process.is_alive():
        return
    # It has no group of its own before it has begun anything.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
