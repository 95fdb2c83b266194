"""What the commands have in common: their options, and how they open a library and print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from retrieval.errors import InvalidLibraryPath, PathNotFound

if TYPE_CHECKING:
    from app.library import Library
    from app.settings import Settings

LibraryOption = Annotated[
    Path | None,
    typer.Option("--library", help="The library folder; else PAGELENS_LIBRARY, else ~/.pagelens."),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="The encoder of pages: a name that `pagelens models` lists, a hub id, or the folder "
        "of a checkpoint. Else PAGELENS_MODEL, else what the library was made with, else what "
        "fits the machine.",
    ),
]
DimOption = Annotated[
    int | None,
    typer.Option(
        "--dim",
        min=1,
        help="Length of a page vector, where --model was trained for shorter ones (Matryoshka); "
        "as --model NAME:256. Of text models: --text-model NAME:256.",
    ),
]
PhotoModelOption = Annotated[
    str | None, typer.Option("--photo-model", help="The encoder of photos; as --model.")
]
SoundModelOption = Annotated[
    str | None,
    typer.Option(
        "--sound-model",
        help="The encoder of sounds; as --model, or none. Without one recordings are refused.",
    ),
]
TextModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--text-model",
        help="An encoder of the text of pages, whose ranking is fused with the others; as --model, "
        "and may be given repeatedly. Set when a library is made, changed by `pagelens migrate`.",
    ),
]
PoolFactorOption = Annotated[
    int | None,
    typer.Option(
        "--pool-factor",
        min=1,
        help="Token pooling: a page keeps one vector for so many. Set when a library is made.",
    ),
]
SkipSelfTestOption = Annotated[
    bool,
    typer.Option("--skip-self-test", help="Use an encoder that was not seen to find anything."),
]
RerankerOption = Annotated[
    str | None,
    typer.Option(
        "--reranker",
        help="What reads the best pages again: a name that `pagelens models` lists, or none.",
    ),
]
VectorStorageOption = Annotated[
    Literal["auto", "float16", "turbo8", "turbo4"] | None,
    typer.Option(
        "--vector-storage",
        help="How page vectors are stored: whole, in 8 bits a number, or in 4. Set when a library "
        "is made.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def make_settings(
    library: Path | None, model: str | None = None, dim: int | None = None, **overrides: object
) -> Settings:
    """The settings of the environment; what the command line gives wins."""
    from app.settings import load_settings

    settings = load_settings(library=library, model=model, **overrides)
    if dim is None:
        return settings
    from retrieval.matryoshka import ModelName, read_name

    name = ModelName(read_name(settings.model).name, dim)
    return settings.model_copy(update={"model": str(name)})


def open_existing(settings: Settings) -> Library:
    """Opens a library that is there; a mistyped folder is not made into one.

    Raises:
        InvalidLibraryPath: there is none.
    """
    from app.library import Library

    check_library(settings)
    return Library(settings)


def check_library(settings: Settings) -> None:
    """Refuses a folder that is no library, and opens nothing.

    Raises:
        InvalidLibraryPath: there is none.
    """
    from ingest.sources import is_library

    is_there = settings.library.is_file() or is_library(settings.library)
    if not is_there and not settings.may_join:
        raise InvalidLibraryPath(f"there is no library at {settings.library}")


def check_exists(path: Path) -> None:
    """Refuses a path before anything is made for it.

    Raises:
        PathNotFound: there is no such file or folder.
    """
    if not path.exists():
        raise PathNotFound(f"{path}: no such file or folder")


def print_json(content: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Prints one line of JSON, in ASCII whatever the terminal's encoding is."""
    typer.echo(json.dumps(content, ensure_ascii=True))
