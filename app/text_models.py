"""The text encoders of a library: which ones, and that they stay the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from app.model_folders import check_kept
from ingest.documents import ENCODER_KEY, TEXT_ENCODER_IDS, TEXT_ENCODER_KEYS
from ingest.space_settings import SpaceSettings
from ingest.spaces import Space
from retrieval.encoders.opening import EncoderOptions
from retrieval.errors import EncoderMismatch
from retrieval.matryoshka import read_name
from retrieval.text_encoders.base import TextEncoder
from retrieval.text_encoders.channels import TextEncoders

NO_MODELS = "no text model"


def read_text_names(read: Callable[[str], str | None]) -> tuple[str, ...]:
    """The text encoders that a space is made with, by the names they are opened by.

    Args:
        read: gives a setting of the space.
    """
    return tuple(json.loads(read(TEXT_ENCODER_IDS) or "[]"))


def read_text_keys(read: Callable[[str], str | None]) -> tuple[str, ...]:
    """The keys of the text encoders that a space is made with; see `read_text_names`."""
    return tuple(json.loads(read(TEXT_ENCODER_KEYS) or "[]"))


def write_texts(names: Sequence[str], encoders: TextEncoders) -> dict[str, str]:
    """The settings of a space that is made with these text encoders."""
    return {
        TEXT_ENCODER_KEYS: json.dumps(encoders.keys),
        TEXT_ENCODER_IDS: json.dumps(names),
    }


class LibraryTexts:
    """Opens the text encoders that a library is bound to, or those chosen for a new one.

    Attributes:
        names: by which those of the space that is searched are opened.
        encoders: they themselves, open.
    """

    def __init__(
        self,
        folder: Path,
        space: SpaceSettings,
        asked: tuple[str, ...] | None,
        options: EncoderOptions,
    ) -> None:
        """Opens them.

        Args:
            folder: the library's.
            space: the one that is searched, and what it is bound to.
            asked: names; None for those of the library, or none.
            options: where and how they run.

        Raises:
            EncoderMismatch: the library is bound to others.
            InvalidSetting: two of them make the same channel.
            PagelensError: one is unknown, or its weights cannot be had.
        """
        self._folder = folder
        self._options = options
        self._opened: dict[str, TextEncoder] = {}
        is_bound = space.read(ENCODER_KEY) is not None
        bound = read_text_names(space.read) if is_bound else ()
        chosen = resolve_names(asked or ())
        if is_bound and asked is not None and _short(chosen) != _short(bound):
            raise self._refuse(bound, chosen)
        self.names = bound if is_bound else chosen
        self.encoders = self.open_space(space) if is_bound else self.open(chosen)

    @property
    def opened(self) -> tuple[TextEncoder, ...]:
        """All that are open, those of a second index included."""
        return tuple(self._opened.values())

    def open(self, names: Sequence[str]) -> TextEncoders:
        """Opens text encoders by their names, each at the first call.

        Raises:
            InvalidSetting: two of them make the same channel.
            PagelensError: one is unknown, or its weights cannot be had.
        """
        # The model libraries take seconds to import, and most libraries have none.
        from retrieval.text_encoders.opening import open_text_encoder

        for name in names:
            if name not in self._opened:
                self._opened[name] = open_text_encoder(name, self._options)
        return TextEncoders([self._opened[name] for name in names])

    def open_space(self, space: SpaceSettings) -> TextEncoders:
        """The text encoders that a space is made with.

        Raises:
            EncoderMismatch: one has changed since.
            ModelFolderGone: one was a folder that is not there any more.
            PagelensError: the weights of one cannot be had.
        """
        names, keys = read_text_names(space.read), read_text_keys(space.read)
        check_kept(self._folder, *names)
        encoders = self.open(names)
        if keys != encoders.keys:
            raise self._refuse(keys, encoders.keys)
        return encoders

    def bind(self, space: SpaceSettings) -> None:
        """Has the space keep to them; comes before it is bound to its encoder of pages."""
        # A library is as it was without them, unless a run was killed between this and that.
        if self.names or read_text_names(space.read):
            for setting, value in write_texts(self.names, self.encoders).items():
                space.write(setting, value)

    def follow(self, space: Space) -> None:
        """Takes those of the space that is searched now for those of the library."""
        self.names = read_text_names(space.settings.read)
        self.encoders = space.texts

    def forget_others(self) -> None:
        """Lets those go that the space that is searched is not made with."""
        self._opened = {name: self._opened[name] for name in self.names}

    def _refuse(self, bound: tuple[str, ...], others: tuple[str, ...]) -> EncoderMismatch:
        made_with, asked = (", ".join(names) or NO_MODELS for names in (bound, others))
        return EncoderMismatch(
            f"the library {self._folder} was made with {made_with}, not with {asked}"
        )


def resolve_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names by which a library finds its text encoders from any folder that it is opened from."""
    return tuple(str(read_name(name).resolve()) for name in names)


def _short(names: tuple[str, ...]) -> set[str]:
    """Names without revisions, which keys hold, in any order."""
    return {name.partition("@")[0] for name in names}
