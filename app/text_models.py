"""The text encoders of a library: which ones, and that they stay the same."""

from __future__ import annotations

import json
from pathlib import Path

from ingest.documents import ENCODER_KEY, TEXT_ENCODER_IDS, TEXT_ENCODER_KEYS, Documents
from retrieval.encoders.opening import EncoderOptions, looks_like_hub_id
from retrieval.errors import EncoderMismatch
from retrieval.text_encoders.catalog import find_text_spec, refuse_text_name
from retrieval.text_encoders.channels import TextEncoders

NO_MODELS = "no text model"


def check_text_name(name: str) -> None:
    """Refuses a name that is no catalog entry, no folder and no hub id.

    Raises:
        UnknownEncoder: listing the known names.
    """
    if not (find_text_spec(name) or Path(name).is_dir() or looks_like_hub_id(name)):
        raise refuse_text_name(name)


def read_text_names(documents: Documents) -> tuple[str, ...]:
    """The text encoders that a library is bound to, by the names they are opened by."""
    return tuple(json.loads(documents.read_setting(TEXT_ENCODER_IDS) or "[]"))


class LibraryTexts:
    """Opens the text encoders that a library is bound to, or those chosen for a new one.

    Attributes:
        names: by which they are opened.
        encoders: they themselves, open.
    """

    def __init__(
        self,
        folder: Path,
        documents: Documents,
        asked: tuple[str, ...] | None,
        options: EncoderOptions,
    ) -> None:
        """Opens them.

        Args:
            folder: the library's.
            documents: hold what the library is bound to.
            asked: names; None for those of the library, or none.
            options: where and how they run.

        Raises:
            EncoderMismatch: the library is bound to others.
            InvalidSetting: two of them make the same channel.
            PagelensError: one is unknown, or its weights cannot be had.
        """
        self._documents = documents
        is_bound = documents.read_setting(ENCODER_KEY) is not None
        bound = read_text_names(documents) if is_bound else ()
        # The library must find a folder from any other that it is opened from.
        chosen = tuple(
            str(Path(name).resolve()) if Path(name).is_dir() else name for name in asked or ()
        )
        if is_bound and asked is not None and _short(chosen) != _short(bound):
            raise _refuse(folder, bound, chosen)
        self.names = bound if is_bound else chosen
        # The model libraries take seconds to import, and most libraries have none.
        from retrieval.text_encoders.opening import open_text_encoder

        self.encoders = TextEncoders([open_text_encoder(name, options) for name in self.names])
        keys = tuple(json.loads(documents.read_setting(TEXT_ENCODER_KEYS) or "[]"))
        if is_bound and keys != self.encoders.keys:
            raise _refuse(folder, keys, self.encoders.keys)

    def bind(self) -> None:
        """Has the library keep to them; comes before it is bound to its encoder of pages."""
        # A library is as it was without them, unless a run was killed between this and that.
        if self.names or read_text_names(self._documents):
            self._documents.write_setting(TEXT_ENCODER_KEYS, json.dumps(self.encoders.keys))
            self._documents.write_setting(TEXT_ENCODER_IDS, json.dumps(self.names))


def _short(names: tuple[str, ...]) -> set[str]:
    """Names without revisions, which keys hold, in any order."""
    return {name.partition("@")[0] for name in names}


def _refuse(folder: Path, bound: tuple[str, ...], others: tuple[str, ...]) -> EncoderMismatch:
    made_with, asked = (", ".join(names) or NO_MODELS for names in (bound, others))
    return EncoderMismatch(f"the library {folder} was made with {made_with}, not with {asked}")
