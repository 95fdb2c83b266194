"""What an encoder is: a frozen description, and what it does with pages, photos and questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.model_spec import ModelSpec, check_dims
from retrieval.records import Modality, Page, PageEmbedding, QueryEmbedding

if TYPE_CHECKING:
    from PIL.Image import Image

# What an encoder of sounds hears at a time: so long, and sampled so often, as in CLAP's training.
SOUND_RATE_HZ = 48_000
SOUND_WINDOW_S = 10


class Family(str, Enum):
    """How an encoder is opened: by its architecture, or at its vendor.

    Checkpoints that bring code of their own are listed, and not opened.
    """

    MINILM_LAYOUT = "minilm-layout"
    COLPALI = "colpali"
    COLQWEN2 = "colqwen2"
    COLQWEN2_5 = "colqwen2.5"
    COLIDEFICS3 = "colidefics3"
    NATIVE_COLPALI = "transformers-colpali"
    NATIVE_COLQWEN2 = "transformers-colqwen2"
    IMAGENET_TAGS = "imagenet-tags"
    SIGLIP = "siglip"
    OPEN_CLIP = "open-clip"
    COHERE = "cohere"
    VOYAGE = "voyage"
    CLAP = "clap"
    OWN_CODE = "own-code"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec(ModelSpec):
    """A catalog entry of an encoder of pages, photos or sounds; listing it loads no weights.

    Attributes:
        family: the architecture.
        modality: what the encoder looks at.
        dim: length of one vector.
        vectors_per_page: about how many an A4 page gets; 1 for a photo.
        matryoshka_dims: shorter prefixes the model was trained for, ascending; empty for none.
        query_prompt: text put around a query, `{}` standing for it.
        document_prompt: text put before or around a page picture.
        has_grid: whether the vectors are patches of one regular grid.
        vidore_ndcg5: published nDCG@5 on ViDoRe, in percent; None where none was published.
        vidore_source: where that figure was published, and of which benchmark version.
    """

    family: Family
    modality: Modality
    dim: int
    vectors_per_page: int
    matryoshka_dims: tuple[int, ...] = ()
    query_prompt: str = "{}"
    document_prompt: str = ""
    has_grid: bool = False
    vidore_ndcg5: float | None = None
    vidore_source: str = ""

    def __post_init__(self) -> None:
        """Refuses what cannot be true.

        Raises:
            ValueError: naming the entry and the field.
        """
        # A dataclass with slots is made anew, which the short form of super does not see.
        ModelSpec.__post_init__(self)
        check_dims(self, self.dim, self.matryoshka_dims)
        self.require(self.query_prompt.count("{}") == 1, "query_prompt", "holds no {} or several")
        is_stopped = self.family != Family.OWN_CODE or bool(self.obstacle)
        self.require(is_stopped, "obstacle", "is empty, but code of its own is never run")

    @property
    def makes(self) -> frozenset[str]:
        """Vectors of what it looks at."""
        return frozenset({self.modality.value})


class PreparedPage(Protocol):
    """A page made ready for the model: what is slow on the CPU is done."""

    @property
    def n_vectors(self) -> int:
        """How many tokens it takes in a forward pass; what batches are packed by."""


class Encoder(Protocol):
    """Turns pages and queries into multi-vectors of one space.

    A page goes through three steps, so that they can overlap for different pages: `prepare` on the
    CPU, `forward` on the device, `collect` back on the CPU. `retrieval.encoders.stream` runs them.
    A page's vectors depend on that page alone, not on the pages encoded beside it.
    """

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry, or one made from a checkpoint's config."""

    @property
    def key(self) -> str:
        """Names all that changes a vector; vectors of different keys are never mixed."""

    @property
    def image_long_side_px(self) -> int | None:
        """The page picture it wants, by its long side; None if it reads words."""

    @property
    def batch_vectors(self) -> int:
        """How many vectors a batch may hold, padding included, on the device it runs on."""

    @property
    def batches_at_once(self) -> int:
        """How many threads shall call `forward`, each with a batch of its own."""

    def enter_thread(self) -> None:
        """Comes first in a thread that will do nothing but `prepare`, or `forward`."""

    def prepare(self, page: Page) -> Any:
        """Makes a `PreparedPage`; may be called from several threads."""

    def forward(self, batch: Sequence[Any]) -> Any:
        """Runs the model on prepared pages; the result may still be on the device.

        Raises:
            DeviceOutOfMemory: the batch does not fit; a smaller one may.
        """

    def collect(self, batch: Sequence[Any], output: Any) -> list[PageEmbedding]:
        """Makes the embeddings of a batch from what `forward` returned, in order."""

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encodes a question; no vectors for a text without a single word."""


class PhotoEncoder(Protocol):
    """Turns photos and texts into single vectors of one space, compared by dot product."""

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry, or one made from a checkpoint's config."""

    @property
    def key(self) -> str:
        """Names all that changes a vector."""

    @property
    def clear_score(self) -> float:
        """The score from which on a photo clearly shows what a text says."""

    def encode_photos(self, photos: Sequence[Image]) -> NDArray[np.float16]:
        """One unit vector a photo, `[n_photos, dim]`."""

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """The query vector `[dim]` of a text; None for a text without a word."""

    def look_like(self, vector: NDArray[np.float16]) -> NDArray[np.float32]:
        """The query vector `[dim]` that finds photos like the one of this stored vector."""


class SoundEncoder(Protocol):
    """Turns windows of recordings, and texts, into single vectors of one space."""

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry, or one made from the checkpoint's config."""

    @property
    def key(self) -> str:
        """Names all that changes a vector."""

    @property
    def clear_score(self) -> float:
        """The score from which on a window clearly holds what a text says."""

    def encode_sounds(self, windows: NDArray[np.int16]) -> NDArray[np.float16]:
        """One unit vector a window, `[n_windows, dim]`.

        Args:
            windows: `[n_windows, n_samples]`, mono, at `SOUND_RATE_HZ`, of at most
                `SOUND_WINDOW_S`.
        """

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """The query vector `[dim]` of a text; None for a text without a word."""
