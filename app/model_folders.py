"""Models that are folders, and that a library looks for where they were when it was made."""

from __future__ import annotations

from pathlib import Path

from retrieval.errors import ModelFolderGone
from retrieval.matryoshka import read_name
from retrieval.model_spec import names_folder


def check_kept(library: Path, *names: str | None) -> None:
    """Comes before models are opened that a library is bound to, by the names that it keeps.

    Raises:
        ModelFolderGone: one is a folder that is not there.
    """
    for name in names:
        if name is None:
            continue
        # Of all names that a library keeps only those of folders are absolute paths.
        folder = read_name(name).name
        if Path(folder).is_absolute() and not names_folder(folder):
            raise ModelFolderGone(
                f"the library {library} was made with the model folder {folder}, which is not "
                "there any more"
            )
