"""The process in which a server has ways to search compared.

A process holds one library and one durable runtime, and each way to search has a library of its
own: the one that is served must be in another process.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from app.compare import compare_variants
from app.compare_cache import find_cache
from app.compare_report import render_report, summarise
from app.comparing import keep_comparison
from app.comparison import Comparison, FailedVariant
from app.comparison_state import (
    ComparisonEnded,
    Message,
    VariantBegun,
    VariantRefused,
)
from app.machine import describe_machine
from app.settings import Settings
from app.variants import Variant
from ingest.progress import OnProgress
from retrieval.errors import PagelensError
from retrieval.evaluation import load_evaluation_set


@dataclass(frozen=True, slots=True)
class ComparisonOrder:
    """What is to be compared.

    Attributes:
        title: what the set of questions is called.
        folder: the evaluation set, in a folder of its own that is removed at the end.
        variants: the first is what the others are compared with.
        settings: how models run, and the library that the report is kept with.
        command: what does the same in a terminal.
    """

    title: str
    folder: Path
    variants: tuple[Variant, ...]
    settings: Settings
    command: str


def compare_in_child(order: ComparisonOrder, telling: Connection) -> None:
    """Compares, and keeps the report; runs in a process of its own.

    Args:
        order: what is to be compared.
        telling: is sent a `Message` for each thing that happens, the last a `ComparisonEnded`.
    """
    # A group of its own, which can be ended as one: rendering processes would outlive this one. A
    # Ctrl-C does not reach it; whoever started it ends it.
    os.setsid()
    scratch = order.folder.parent
    threading.Thread(target=_end_with_parent, args=(scratch,), daemon=True).start()
    try:
        ended = _compare(order, telling.send)
    except PagelensError as error:
        ended = ComparisonEnded(None, str(error))
    telling.send(ended)


def _end_with_parent(scratch: Path) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in a child"
    parent.join()
    # It would have removed that itself, had it not been killed.
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _compare(order: ComparisonOrder, tell: Callable[[Message], None]) -> ComparisonEnded:
    def begin(_: str) -> OnProgress:
        tell(VariantBegun())
        return tell

    def refuse(failed: FailedVariant) -> None:
        tell(VariantRefused(failed.error))

    comparison = compare_variants(
        order.title,
        load_evaluation_set(order.folder),
        order.variants,
        order.settings,
        find_cache(),
        begin,
        refuse,
    )
    if not comparison.measured:
        return ComparisonEnded(None, "no way to search could be measured")
    return ComparisonEnded(_keep(comparison, order), None)


def _keep(comparison: Comparison, order: ComparisonOrder) -> str:
    html = render_report(comparison, command=order.command, machine=describe_machine())
    finished = summarise(comparison)
    keep_comparison(order.settings.library, finished, html)
    return finished.name
