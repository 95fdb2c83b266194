"""Writes the hostile corpus: `python -m tests.hostile.write_corpus FOLDER`.

Every file is made here, from bytes that are the same each time. `--slow` adds honest files that
take minutes to index, such as a PDF of 10,000 pages.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from tests.hostile import names, pdf_content, pdf_structure, pictures
from tests.hostile.cases import Case, Expectation


def list_cases() -> list[Case]:
    """Every kind of file, in the order in which they are written."""
    return [
        case
        for module in (pdf_structure, pdf_content, pictures, names)
        for case in module.list_cases()
    ]


def write_corpus(folder: Path, *, with_slow: bool = False) -> Iterator[tuple[Path, Expectation]]:
    """Writes the corpus into a folder; yields each path and what ingest has to make of it.

    What cannot be uploaded (pipes, links to nowhere) is told by `path.is_file()`.
    """
    for case in list_cases():
        if case.is_slow and not with_slow:
            continue
        path = folder / os.fsdecode(case.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.build())
        yield path, case.expected
    yield from names.make_places(folder / "places")


def main(
    folder: Path,
    slow: Annotated[bool, typer.Option(help="Also honest files that take minutes.")] = False,
) -> None:
    """Write the hostile corpus into FOLDER."""
    written = list(track(write_corpus(folder, with_slow=slow), "Writing", total=None))
    typer.echo(f"{len(written)} files in {folder}")


if __name__ == "__main__":
    typer.run(main)
