"""Opens a space of a library: its encoders, and its index where the settings say."""

from __future__ import annotations

from app.encoders import LibraryEncoders
from app.index_choice import open_index
from app.settings import Settings
from ingest.documents import VECTOR_STORAGE
from ingest.files import LibraryFiles
from ingest.first_stage import StoredFirstStage
from ingest.space_settings import SpaceSettings
from ingest.spaces import Space
from retrieval.index.base import IndexLayout, VectorStorage


def open_space(
    settings: Settings, encoders: LibraryEncoders, files: LibraryFiles, space: SpaceSettings
) -> Space:
    """Opens a space by what the database holds of it.

    Raises:
        EncoderMismatch, IndexMismatch: an encoder or its index is another by now.
        PagelensError: weights or index cannot be opened.
    """
    encoder, texts = encoders.open_space(space)
    storage = VectorStorage(space.read(VECTOR_STORAGE) or encoders.vector_storage)
    layout = IndexLayout(encoder.spec.dim, encoder.key, storage, texts.spaces)
    index = open_index(settings, space, layout)
    return Space(space, encoder, texts, index, StoredFirstStage(files, space, index))
