"""The encoders of a library: which ones, why, and that they stay the same."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.migration_record import Target
from app.model_folders import check_kept
from app.settings import Settings
from app.sound_models import LibrarySounds
from app.text_models import (
    LibraryTexts,
    read_text_names,
    resolve_names,
    write_texts,
)
from ingest.documents import (
    ENCODER_ID,
    ENCODER_KEY,
    FIRST_SPACE,
    PHOTO_ENCODER_ID,
    PHOTO_ENCODER_KEY,
    POOL_FACTOR,
    VECTOR_STORAGE,
    Documents,
)
from ingest.space_settings import SpaceSettings
from ingest.spaces import Space
from retrieval.admission import admit_model
from retrieval.encoders.base import Encoder, PhotoEncoder
from retrieval.encoders.catalog import PAGE_CATALOG, find_spec, refuse_name
from retrieval.encoders.devices import AUTO
from retrieval.encoders.opening import (
    Choice,
    EncoderOptions,
    choose_encoder,
    choose_photo_encoder,
    looks_like_hub_id,
    open_encoder,
    open_photo_encoder,
)
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.encoders.self_test import check_encoder
from retrieval.errors import EncoderMismatch
from retrieval.hosted.cost import Paid
from retrieval.index.base import VectorStorage
from retrieval.matryoshka import read_name
from retrieval.model_spec import names_folder
from retrieval.records import Modality
from retrieval.rerankers.base import Reranker
from retrieval.rerankers.catalog import RERANKER_CATALOG, find_reranker
from retrieval.rerankers.opening import choose_reranker, open_reranker
from retrieval.text_encoders.channels import TextEncoders

# The value of a setting that turns off what it names.
NONE = "none"

ASKED_FOR = "it was asked for"
BOUND = "the library was made with it"


# Of the hash of what a space is made with, in its name.
HASH_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class OpenedTarget:
    """A space that a library may be moved to: its name, and its settings."""

    name: str
    settings: dict[str, str]


class LibraryEncoders:
    """Opens the encoders that a library is bound to, or binds it to those chosen now.

    The encoders of pages and of their text are opened at once; those of photos and of sounds when
    the first is added or asked for, as most libraries hold none.
    """

    def __init__(self, folder: Path, documents: Documents, settings: Settings) -> None:
        """Opens the encoders of pages and text; a library's first of pages must pass a self-test.

        Raises:
            EncoderMismatch: the library is bound to another encoder.
            ModelFolderGone: it was made with a model in a folder that is not there any more.
            InvalidSetting: two text models make the same channel.
            SelfTestFailed: it does not find what any encoder must find.
            LicenceRefused, ModelNotOpenable: a model that is named may not, or cannot, be opened.
            PagelensError: it is unknown, or its weights cannot be had.
        """
        self._folder = folder
        self._documents = documents
        self._settings = settings
        space = SpaceSettings(documents, documents.active_space())
        bound_id = space.read(ENCODER_ID)
        check_kept(folder, bound_id)
        self.choice = self._choose(settings.model, bound_id, space.read(ENCODER_KEY))
        bound_factor = int(space.read(POOL_FACTOR) or 1)
        factor = settings.pool_factor or bound_factor
        if bound_id and factor != bound_factor:
            raise EncoderMismatch(
                f"the library {folder} was made with pool factor {bound_factor}, not with {factor}"
            )
        self.pool_factor = factor
        bound_storage = space.read(VECTOR_STORAGE)
        if bound_storage and settings.vector_storage not in (AUTO, bound_storage):
            raise EncoderMismatch(
                f"the library {folder} stores its vectors as {bound_storage}, "
                f"not as {settings.vector_storage}"
            )
        self._admit_asked()
        self.pages: Encoder = open_encoder(self.choice.name, self.options(factor))
        self.vector_storage = (
            VectorStorage(bound_storage)
            if bound_storage
            else choose_storage(settings.vector_storage, self.pages)
        )
        self._texts = LibraryTexts(folder, space, settings.text_models, self.options())
        self.sounds = LibrarySounds(folder, documents, settings.sound_model, self.options())
        self.self_test_skipped = False
        bound_key = space.read(ENCODER_KEY)
        if bound_key is None:
            self.self_test_skipped = settings.skip_self_test
            if not settings.skip_self_test:
                check_encoder(self.pages)
            self._texts.bind(space)
            space.write(ENCODER_KEY, self.pages.key)
            space.write(POOL_FACTOR, str(factor))
            space.write(VECTOR_STORAGE, self.vector_storage.value)
            space.write(ENCODER_ID, self.choice.name)
        else:
            self._refuse_other(bound_key, self.pages.key)
        # By their keys: two spaces may differ in how vectors are stored alone.
        self._opened = {self.pages.key: self.pages}
        self._photo_lock = threading.Lock()
        self._photos: PhotoEncoder | None = None
        self._reranker_lock = threading.Lock()
        self._reranker: Reranker | None = None

    @property
    def texts(self) -> TextEncoders:
        """The encoders of the text of pages; a library may have none."""
        return self._texts.encoders

    @property
    def text_names(self) -> tuple[str, ...]:
        """By which names they are opened."""
        return self._texts.names

    def list_paid(self) -> list[Paid]:
        """The models at vendors that were opened."""
        opened: list[object] = [*self._texts.opened, self._photos, self._reranker]
        return [model for model in opened if isinstance(model, Paid)]

    def open_space(self, space: SpaceSettings) -> tuple[Encoder, TextEncoders]:
        """The encoders of pages and text that a space is made with, opened at the first call.

        Raises:
            EncoderMismatch: one has changed since.
            PagelensError: the weights of one cannot be had.
        """
        key = space.read(ENCODER_KEY)
        assert key is not None, "a space is bound to an encoder before it is opened"
        if key not in self._opened:
            name = space.read(ENCODER_ID) or self.choice.name
            check_kept(self._folder, name)
            encoder = open_encoder(name, self.options(int(space.read(POOL_FACTOR) or 1)))
            self._refuse_other(key, encoder.key)
            self._opened[key] = encoder
        return self._opened[key], self._texts.open_space(space)

    def open_target(self, target: Target) -> OpenedTarget:
        """Opens the encoders that a library shall be moved to; that of pages must pass a self-test.

        Raises:
            InvalidSetting: two text models make the same channel.
            SelfTestFailed: it does not find what any encoder must find.
            LicenceRefused, ModelNotOpenable: a model that is named may not, or cannot, be opened.
            PagelensError: one is unknown, or its weights cannot be had.
        """
        name, factor = self.choice.name, self.pool_factor
        storage: VectorStorage | None = self.vector_storage
        asked = target.model
        if asked is not None:
            check_name(asked)
            if asked == AUTO:
                asked = choose_encoder().name
            # The library must find it from any folder that it is opened from.
            asked = str(read_name(asked).resolve())
            if asked != name:
                name, factor, storage = asked, 1, None
        factor = target.pool_factor or factor
        encoder = open_encoder(name, self.options(factor))
        encoder = self._opened.setdefault(encoder.key, encoder)
        storage = target.storage or storage or choose_storage(AUTO, encoder)
        if not self._settings.skip_self_test:
            check_encoder(encoder)
        text_names = self.text_names
        if target.text_models is not None:
            asked_names = resolve_names(target.text_models)
            if set(asked_names) != set(text_names):
                text_names = asked_names
        texts = self._texts.open(text_names)
        parts = "/".join((encoder.key, storage.value, *sorted(texts.keys)))
        made_with = hashlib.sha256(parts.encode()).hexdigest()
        settings = {
            ENCODER_ID: name,
            ENCODER_KEY: encoder.key,
            POOL_FACTOR: str(factor),
            VECTOR_STORAGE: storage.value,
        }
        if text_names:
            settings.update(write_texts(text_names, texts))
        return OpenedTarget(f"{FIRST_SPACE}-{made_with[:HASH_CHARACTERS]}", settings)

    def follow(self, space: Space) -> None:
        """Takes the encoders of the space that is searched now for those of the library."""
        self._texts.follow(space)
        self.pages = space.encoder
        self.choice = Choice(space.settings.read(ENCODER_ID) or "", BOUND)
        self.pool_factor = int(space.settings.read(POOL_FACTOR) or 1)
        self.vector_storage = choose_storage(
            space.settings.read(VECTOR_STORAGE) or AUTO, space.encoder
        )

    def forget_others(self) -> None:
        """Lets the encoders go that the space that is searched is not made with."""
        self._opened = {self.pages.key: self.pages}
        self._texts.forget_others()

    def open_photos(self) -> PhotoEncoder:
        """The encoder of photos, opened at the first call.

        Raises:
            EncoderMismatch: the library's photos were encoded with another.
            PagelensError: it is unknown, or its weights cannot be had.
        """
        with self._photo_lock:
            if self._photos is None:
                check_kept(self._folder, self._documents.read_setting(PHOTO_ENCODER_ID))
                bound_key = self._documents.read_setting(PHOTO_ENCODER_KEY)
                choice = self.choose_photos()
                encoder = open_photo_encoder(choice.name, self.options())
                if bound_key is None:
                    self._documents.write_setting(PHOTO_ENCODER_KEY, encoder.key)
                    self._documents.write_setting(PHOTO_ENCODER_ID, choice.name)
                else:
                    self._refuse_other(bound_key, encoder.key)
                self._photos = encoder
            return self._photos

    @property
    def asked_reranker(self) -> str:
        """The reranker by the name that the settings give; "auto" or "none" where they do."""
        return self._settings.reranker

    def choose_reranker(self) -> Choice | None:
        """Which reranker reads the best pages, and why; None for none."""
        asked = self._settings.reranker
        if asked == NONE:
            return None
        if asked != AUTO:
            return Choice(asked, ASKED_FOR)
        # What the embedded one adds to an encoder that reads words was measured; a question put to
        # a page's looks it may answer worse than the encoder does.
        return choose_reranker() if self.pages.spec.modality == Modality.WORDS else None

    def open_reranker(self) -> Reranker | None:
        """The reranker, opened at the first call; None where there is none.

        Raises:
            PagelensError: it is unknown, or its weights cannot be had.
        """
        with self._reranker_lock:
            choice = self.choose_reranker()
            if choice is None:
                return None
            if self._reranker is None:
                self._reranker = open_reranker(choice.name, self.options())
            return self._reranker

    def open_quote_reranker(self) -> Reranker | None:
        """What ranks quotes: the reranker, or the embedded one where no other was chosen.

        A question put to a page's looks is answered by its words all the same.

        Raises:
            PagelensError: it is unknown, or its weights cannot be had.
        """
        reranker = self.open_reranker()
        if reranker is None and self._settings.reranker == AUTO:
            return open_reranker(choose_reranker().name)
        return reranker

    def choose_photos(self) -> Choice:
        """Which encoder of photos the library has, or would get, and why."""
        return self._choose(
            self._settings.photo_model,
            self._documents.read_setting(PHOTO_ENCODER_ID),
            self._documents.read_setting(PHOTO_ENCODER_KEY),
            for_photos=True,
        )

    def _choose(
        self, asked: str, bound_id: str | None, bound_key: str | None, *, for_photos: bool = False
    ) -> Choice:
        if asked == AUTO:
            if bound_id:
                return Choice(bound_id, BOUND)
            return choose_photo_encoder() if for_photos else choose_encoder()
        # The library must find it from any folder that it is opened from.
        name = read_name(asked).resolve()
        if name.name == AUTO:
            chosen = self._choose(AUTO, bound_id, bound_key, for_photos=for_photos).name
            name = name._replace(name=read_name(chosen).name)
        asked = str(name)
        if bound_id and bound_id.partition("@")[0] != asked.partition("@")[0]:
            # A name that cannot be meant is told before the library is.
            check_name(asked)
            self._refuse_other(bound_key or bound_id, asked)
        return Choice(asked, ASKED_FOR)

    def _admit_asked(self) -> None:
        """Refuses at once what is opened only when it is needed."""
        photos, reranker = self._settings.photo_model, self._settings.reranker
        if photos == AUTO:
            photos = self._documents.read_setting(PHOTO_ENCODER_ID) or AUTO
        commercial = self._settings.commercial
        if photos != AUTO:
            spec = find_spec(photos, PHOTO_CATALOG)
            admit_model(photos, spec, PHOTO_CATALOG, commercial=commercial)
        if reranker not in (AUTO, NONE):
            known = find_reranker(reranker)
            admit_model(reranker, known, RERANKER_CATALOG, commercial=commercial)

    def _refuse_other(self, bound: str, other: str) -> None:
        if bound != other:
            raise EncoderMismatch(f"the library {self._folder} was made with {bound}, not {other}")

    def options(self, pool_factor: int = 1) -> EncoderOptions:
        """Where and how models run, as the settings say."""
        return EncoderOptions(
            self._settings.device,
            self._settings.dtype,
            self._settings.attention,
            pool_factor,
            self._settings.commercial,
        )


def choose_storage(asked: str, encoder: Encoder) -> VectorStorage:
    """How a new library stores the vectors of an encoder.

    With 4 bits a number nDCG@5 of minilm-layout on pages-dev stayed the same (0.654 and 0.653);
    what they cost a visual encoder was not measured, and 8 bits cost none anything that could be.
    """
    if asked != AUTO:
        return VectorStorage(asked)
    is_small = encoder.spec.modality == Modality.WORDS
    return VectorStorage.TURBO4 if is_small else VectorStorage.TURBO8


def describe_space(read: Callable[[str], str | None]) -> str:
    """What a space is made with, by its settings, for people.

    Args:
        read: gives a setting of the space.
    """
    factor, storage = int(read(POOL_FACTOR) or 1), read(VECTOR_STORAGE)
    parts = [
        str(read(ENCODER_ID)),
        *([f"pool factor {factor}"] if factor > 1 else []),
        *([storage] if storage else []),
        *(f"text model {name}" for name in read_text_names(read)),
    ]
    return ", ".join(parts)


def check_name(name: str) -> None:
    """Refuses a name that is no catalog entry, no folder and no hub id.

    Raises:
        UnknownEncoder: listing the known names.
    """
    catalog = PAGE_CATALOG + PHOTO_CATALOG
    bare = read_name(name).name
    if not (
        bare == AUTO or find_spec(bare, catalog) or names_folder(bare) or looks_like_hub_id(bare)
    ):
        raise refuse_name(bare, catalog)
