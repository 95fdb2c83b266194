"""Evaluation sets in BEIR-like folders: read for a library, and written from one.

A folder holds `corpus/` with files, `queries.jsonl` and `qrels.tsv`, as `pagelens evaluate` takes
it.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from app.backup_file import write_new_file
from ingest.progress import OnProgress, Progress
from ingest.sources import Source, find_files, read_source
from retrieval.errors import BackupNotWritten, InvalidEvaluationSet
from retrieval.evaluation import load_judgements, load_questions
from retrieval.questions import Question

if TYPE_CHECKING:
    from ingest.documents import Document

CORPUS, QUERIES, QRELS = "corpus", "queries.jsonl", "qrels.tsv"
HEADER = "query-id\tfile\tpage\trelevance\n"

# What a name may not hold on some system, or in a table with tabs.
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
# Of a name before its suffix; most systems take 255 in all.
STEM_BYTES, SUFFIX_CHARACTERS = 180, 10


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that a folder judges.

    Attributes:
        document: the file's name.
        document_id: SHA-256 of its bytes; None where the folder does not hold the file.
        page_number: 1-based.
        relevance: 0 or more.
    """

    document: str
    document_id: str | None
    page_number: int
    relevance: int


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question of a folder, with the pages that are judged for it."""

    question_id: str
    text: str
    pages: tuple[ReadPage, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """A library's evaluation set as it is written.

    Attributes:
        queries: what `queries.jsonl` holds.
        qrels: what `qrels.tsv` holds.
        files: what each document is called in `corpus/`, by its id.
    """

    queries: str
    qrels: str
    files: dict[str, str]
    n_questions: int
    n_pages: int


def read_folder(folder: Path) -> list[ReadQuestion]:
    """Reads the questions of a folder; its `corpus/` may be missing.

    Raises:
        InvalidEvaluationSet, InvalidQuestions: a file is missing, or a line cannot be read.
    """
    if not folder.is_dir():
        raise InvalidEvaluationSet(f"{folder} is not a folder")
    questions = load_questions(folder / QUERIES)
    judgements = load_judgements(folder / QRELS)
    names = {file for pages in judgements.values() for file, _ in pages}
    ids = dict(_identify(folder / CORPUS, names))
    return [
        ReadQuestion(
            question.id,
            question.text,
            tuple(
                ReadPage(file, ids.get(file), page_number, max(0, relevance))
                for (file, page_number), relevance in judgements.get(question.id, {}).items()
            ),
        )
        for question in questions
    ]


def _identify(corpus: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, document id) of the files that are named and there."""
    wanted = set(names)
    for path in find_files([corpus]) if corpus.is_dir() else ():
        if path.name in wanted:
            source = read_source(path)
            if isinstance(source, Source):
                yield source.name, source.document_id


def build_export(questions: Sequence[Question], documents: Iterable[Document]) -> Export:
    """What is written of questions and of all documents, those without a question included.

    Searches are measured among everything that the library holds.
    """
    files = _name_files(documents)
    queries, qrels, n_pages = [], [HEADER], 0
    for question in questions:
        content = {"id": question.question_id, "text": question.text}
        queries.append(json.dumps(content, ensure_ascii=False) + "\n")
        for page in question.pages:
            line = (
                question.question_id,
                files[page.document_id],
                str(page.page_number),
                str(page.relevance),
            )
            qrels.append("\t".join(line) + "\n")
            n_pages += 1
    return Export("".join(queries), "".join(qrels), files, len(questions), n_pages)


def _name_files(documents: Iterable[Document]) -> dict[str, str]:
    """A name for each document's file: its own, made safe, and no other's on any system."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for document in documents:
        # A hidden file would not be found again.
        name = UNSAFE.sub("_", document.name).strip().lstrip(".") or "document"
        suffix = PurePosixPath(name).suffix
        suffix = suffix if len(suffix) <= SUFFIX_CHARACTERS else ""
        stem = name.removesuffix(suffix).encode()[:STEM_BYTES].decode("utf-8", "ignore")
        if f"{stem}{suffix}".casefold() in taken:
            stem += f"-{document.document_id[:12]}"
        names[document.document_id] = f"{stem}{suffix}"
        taken.add(names[document.document_id].casefold())
    return names


def write_folder(
    export: Export,
    folder: Path,
    find_original: Callable[[str], Path],
    on_progress: OnProgress,
) -> None:
    """Writes a new folder: all of it, or nothing.

    Files are copied: who changes one must not change the library's.

    Args:
        export: what is written.
        folder: is not there yet, or empty.
        find_original: the file of a document, by its id.
        on_progress: called as files are copied.

    Raises:
        BackupNotWritten: the folder holds something, or cannot be written.
    """
    with _write_new_folder(folder) as part:
        (part / CORPUS).mkdir()
        (part / QUERIES).write_text(export.queries, encoding="utf-8")
        (part / QRELS).write_text(export.qrels, encoding="utf-8")
        for done, (document_id, name) in enumerate(export.files.items(), 1):
            shutil.copyfile(find_original(document_id), part / CORPUS / name)
            on_progress(Progress("saving", done, len(export.files), name))


def write_archive(
    export: Export,
    file: Path,
    find_original: Callable[[str], Path],
    on_progress: OnProgress,
) -> None:
    """Writes the same as one new zip file; see `write_folder`.

    Raises:
        BackupNotWritten: it is there already, or cannot be written.
    """
    with write_new_file(file) as writing, zipfile.ZipFile(writing, "w") as archive:
        for name, content in ((QUERIES, export.queries), (QRELS, export.qrels)):
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
        for done, (document_id, name) in enumerate(export.files.items(), 1):
            # Documents are compressed themselves.
            archive.write(find_original(document_id), f"{CORPUS}/{name}")
            on_progress(Progress("saving", done, len(export.files), name))


def unpack_archive(file: Path, folder: Path) -> None:
    """Makes the folder of an archive that `write_archive` wrote: all of it, or nothing.

    Raises:
        BackupNotWritten: the folder holds something or cannot be written, or the file is torn.
    """
    with _write_new_folder(folder) as part:
        try:
            with zipfile.ZipFile(file) as archive:
                # It makes names that would lead elsewhere lead into the folder.
                archive.extractall(part)
        except zipfile.BadZipFile as error:
            raise BackupNotWritten(f"{folder}: what was to be unpacked is torn") from error


@contextmanager
def _write_new_folder(folder: Path) -> Iterator[Path]:
    """Yields where to write what becomes the folder if the block ends well, and nothing if not."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BackupNotWritten(f"{folder} is there already, and no empty folder")
    part = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        part.replace(folder)
    except OSError as error:
        raise BackupNotWritten(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
