"""The encoder of sounds of a library: whether there is one, which, and that it stays the same."""

from __future__ import annotations

import threading
from pathlib import Path

from app.model_folders import check_kept
from ingest.documents import SOUND_ENCODER_ID, SOUND_ENCODER_KEY, Documents
from retrieval.admission import admit_model
from retrieval.encoders.base import SoundEncoder
from retrieval.encoders.catalog import find_spec, refuse_name
from retrieval.encoders.devices import AUTO
from retrieval.encoders.opening import (
    Choice,
    EncoderOptions,
    choose_sound_encoder,
    looks_like_hub_id,
    open_sound_encoder,
)
from retrieval.encoders.sound_catalog import SOUND_CATALOG
from retrieval.errors import EncoderMismatch, FileRefused
from retrieval.model_spec import names_folder

NONE = "none"


def check_sound_name(name: str) -> None:
    """Refuses a name that is no catalog entry, no folder and no hub id.

    Raises:
        UnknownEncoder: listing the known names.
    """
    known = name in (AUTO, NONE) or find_spec(name, SOUND_CATALOG) or looks_like_hub_id(name)
    if not (known or names_folder(name)):
        raise refuse_name(name, SOUND_CATALOG)


def choose_sounds(asked: str, bound: str | None) -> Choice | None:
    """The encoder that a library has, or would get, and why; None for none.

    Args:
        asked: a name, "auto" or "none".
        bound: the encoder of the recordings that it holds; None where it holds none.
    """
    if bound and asked in (AUTO, NONE):
        return Choice(bound, "the library was made with it")
    if asked == AUTO:
        return choose_sound_encoder()
    return None if asked == NONE else Choice(asked, "it was asked for")


def refuse_sound(asked: str) -> FileRefused:
    """Why a recording is not taken where there is no encoder of sounds."""
    reason = "this machine has no GPU, or no way to one" if asked == AUTO else "none is set"
    return FileRefused(
        f"a recording needs a sound model, and {reason}: give --sound-model, or "
        "PAGELENS_SOUND_MODEL"
    )


class LibrarySounds:
    """Opens the encoder of sounds when the first recording is added or asked for.

    A library that holds recordings keeps the encoder that it has, whatever is set.
    """

    def __init__(
        self, folder: Path, documents: Documents, asked: str, options: EncoderOptions
    ) -> None:
        """Opens nothing yet.

        Args:
            folder: the library's.
            documents: hold what the library is bound to.
            asked: a name, "auto" or "none".
            options: where and how it runs.

        Raises:
            UnknownEncoder: there is no model of this name.
            EncoderMismatch: the library's recordings were encoded with another.
            LicenceRefused, ModelNotOpenable: it may not, or cannot, be opened.
        """
        check_sound_name(asked)
        self._folder = folder
        self._documents = documents
        self._asked = asked
        self._options = options
        self._lock = threading.Lock()
        self._encoder: SoundEncoder | None = None
        if names_folder(asked):
            # The library must find it from any folder that it is opened from.
            self._asked = str(Path(asked).resolve())
        bound = documents.read_setting(SOUND_ENCODER_ID)
        if self._asked not in (AUTO, NONE):
            spec = find_spec(self._asked, SOUND_CATALOG)
            admit_model(self._asked, spec, SOUND_CATALOG, commercial=options.commercial)
            if bound and bound.partition("@")[0] != self._asked.partition("@")[0]:
                raise self._refuse(bound, self._asked)

    def choose(self) -> Choice | None:
        """Which encoder the library has, or would get, and why; None for none."""
        bound = self._documents.read_setting(SOUND_ENCODER_ID)
        return choose_sounds(self._asked, bound)

    def check_any(self) -> None:
        """Comes before a recording is taken.

        Raises:
            FileRefused: there is no encoder of sounds.
        """
        if self.choose() is None:
            raise refuse_sound(self._asked)

    def open(self) -> SoundEncoder:
        """The encoder of sounds, opened at the first call.

        Raises:
            FileRefused: there is none.
            EncoderMismatch: the library's recordings were encoded with another.
            PagelensError: it is unknown, or its weights cannot be had.
        """
        with self._lock:
            if self._encoder is None:
                choice = self.choose()
                if choice is None:
                    raise refuse_sound(self._asked)
                check_kept(self._folder, self._documents.read_setting(SOUND_ENCODER_ID))
                encoder = open_sound_encoder(choice.name, self._options)
                bound = self._documents.read_setting(SOUND_ENCODER_KEY)
                if bound is None:
                    self._documents.write_setting(SOUND_ENCODER_KEY, encoder.key)
                    self._documents.write_setting(SOUND_ENCODER_ID, choice.name)
                elif bound != encoder.key:
                    raise self._refuse(bound, encoder.key)
                self._encoder = encoder
            return self._encoder

    def open_held(self) -> SoundEncoder | None:
        """The encoder of the recordings that the library holds; None where it has had none."""
        is_bound = self._documents.read_setting(SOUND_ENCODER_KEY) is not None
        return self.open() if is_bound else None

    def _refuse(self, bound: str, other: str) -> EncoderMismatch:
        return EncoderMismatch(f"the library {self._folder} was made with {bound}, not {other}")
