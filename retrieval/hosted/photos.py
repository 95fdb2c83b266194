"""Photo encoders that run at a vendor: photos, page pictures and texts in one space.

As the vendors' documentation says in 2026-11: docs.cohere.com/reference/embed takes one picture a
request, as a data URL; docs.voyageai.com/reference/multimodal-embeddings-api takes several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.answering.endpoint import to_data_url
from retrieval.encoders.base import EncoderSpec, Family
from retrieval.encoders.photo_space import (
    bound_shape,
    build_query_vector,
    build_stored_vectors,
    convert_to_rgb,
)
from retrieval.encoders.query_words import has_word
from retrieval.hosted.connection import Post, Rate, ServiceConnection
from retrieval.hosted.cost import Cost, Meter, price_tokens
from retrieval.hosted.embeddings import (
    AnsweredVectors,
    AskedTexts,
    build_cohere_body,
    read_cohere,
    read_openai,
)
from retrieval.hosted.passages import choose_limit, cut_end
from retrieval.hosted.services import COHERE, VOYAGE, Service
from retrieval.hosted.vectors import build_unit_vectors, name_model, state_dim

if TYPE_CHECKING:
    from PIL.Image import Image

# Voyage AI scales larger ones down to this itself; more would only be sent.
PHOTO_PIXELS = 2_000_000

# docs.voyageai.com/docs/pricing, 2026-11; text beside pictures is paid by the token.
VOYAGE_USD_PER_BILLION_PIXELS = 0.60


@dataclass(frozen=True, slots=True)
class AskedPhotos:
    """What one request is about.

    Attributes:
        model: the vendor's name of it.
        urls: data URLs of pictures, which get a vector each.
        dim: the length of the vectors; None for a model that has only one.
    """

    model: str
    urls: Sequence[str]
    dim: int | None


@dataclass(frozen=True, slots=True)
class PhotoVendor:
    """One vendor's way.

    Attributes:
        service: who is asked.
        rate: how many pictures, or requests with them, it takes of a paying account.
        max_photos: most pictures of one request.
        build_photos: makes the request for pictures.
        build_text: makes the request for a question.
        query_purpose: the vendor's word for questions.
        read: reads the answer's JSON.
        price: what that answer costs.
    """

    service: Service
    rate: Rate
    max_photos: int
    build_photos: Callable[[AskedPhotos], Post]
    build_text: Callable[[AskedTexts], Post]
    query_purpose: str
    read: Callable[[Any], AnsweredVectors]
    price: Callable[[EncoderSpec, Any], Cost]


class HostedPhotoEncoder:
    """Photos and texts through one model of a vendor, which is sent them.

    Args:
        spec: the catalog entry.
        vendor: how it is asked.
        connection: to it.
    """

    def __init__(
        self, spec: EncoderSpec, vendor: PhotoVendor, connection: ServiceConnection
    ) -> None:
        self._spec = spec
        self._vendor = vendor
        self._connection = connection
        self._meter = Meter()

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry."""
        return self._spec

    @property
    def key(self) -> str:
        """Vendor, model, length, and to how many pixels photos are scaled down."""
        return f"{self._spec.id}/dim-{self._spec.dim}/pixels-{PHOTO_PIXELS}"

    @property
    def clear_score(self) -> float:
        """Never reached but by the same picture.

        The vendors say nothing of which score makes a match likely, so no photo is called one:
        they are ranked, behind what clearly answers.
        """
        return 1.0

    @property
    def spent(self) -> Cost:
        """What was paid since the encoder was opened, by what the vendor counted."""
        return self._meter.spent

    def encode_photos(self, photos: Sequence[Image]) -> NDArray[np.float16]:
        """One unit vector a photo, `[n_photos, dim]`.

        Raises:
            ServiceFailed: the vendor does not answer, or refuses.
            InvalidEmbedding: it gave vectors of another length than `spec.dim`, or NaN.
        """
        vectors = [np.empty((0, self._spec.dim), np.float32)]
        model, dim = self._name_model()
        for first in range(0, len(photos), self._vendor.max_photos):
            urls = [_write(photo) for photo in photos[first : first + self._vendor.max_photos]]
            asked = AskedPhotos(model, urls, dim)
            vectors.append(self._ask(self._vendor.build_photos(asked), len(urls)))
        return build_stored_vectors(np.concatenate(vectors), self._spec.dim)

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """The unit query vector `[dim]` of a text; None for a text without a word.

        Raises:
            ServiceFailed: the vendor does not answer, or refuses.
            InvalidEmbedding: it gave a vector of another length than `spec.dim`, or NaN.
        """
        if not has_word(text):
            return None
        model, dim = self._name_model()
        cut = cut_end(text, choose_limit(self._spec.context_tokens))
        asked = AskedTexts(model, [cut], self._vendor.query_purpose, dim)
        (vector,) = self._ask(self._vendor.build_text(asked), 1, is_waited_for=True)
        return build_query_vector(vector, self._spec.dim)

    def look_like(self, vector: NDArray[np.float16]) -> NDArray[np.float32]:
        """The photo's own vector: photos and texts share the space."""
        return build_query_vector(vector, self._spec.dim)

    def _name_model(self) -> tuple[str, int | None]:
        spec = self._spec
        return name_model(spec), state_dim(spec.dim, spec.matryoshka_dims)

    def _ask(
        self, post: Post, n_inputs: int, *, is_waited_for: bool = False
    ) -> NDArray[np.float32]:
        def read(answer: Any) -> tuple[AnsweredVectors, Cost]:
            return self._vendor.read(answer), self._vendor.price(self._spec, answer)

        answered, cost = self._connection.ask(
            post, read, self._vendor.rate, n_inputs, is_waited_for=is_waited_for
        )
        self._meter.add(cost)
        return build_unit_vectors(self._spec, answered, n_inputs, self._spec.dim)


def _write(photo: Image) -> str:
    """A photo as vendors take it: JPEG in a data URL, of at most `PHOTO_PIXELS`."""
    rgb = bound_shape(convert_to_rgb(photo))
    width, height = rgb.size
    scale = min(1.0, (PHOTO_PIXELS / (width * height)) ** 0.5)
    if scale < 1.0:
        rgb = rgb.resize((max(1, int(width * scale)), max(1, int(height * scale))))
    return to_data_url(rgb)


def _build_cohere_photos(asked: AskedPhotos) -> Post:
    body: dict[str, Any] = {
        "model": asked.model,
        "images": list(asked.urls),
        "input_type": "image",
        "embedding_types": ["float"],
    }
    return Post("/v2/embed", body if asked.dim is None else {**body, "output_dimension": asked.dim})


def _build_cohere_text(asked: AskedTexts) -> Post:
    return Post("/v2/embed", build_cohere_body(asked))


def _build_voyage_photos(asked: AskedPhotos) -> Post:
    contents = [{"type": "image_base64", "image_base64": url} for url in asked.urls]
    return _build_voyage(asked.model, contents, "document", asked.dim)


def _build_voyage_text(asked: AskedTexts) -> Post:
    contents = [{"type": "text", "text": text} for text in asked.texts]
    return _build_voyage(asked.model, contents, asked.purpose, asked.dim)


def _build_voyage(
    model: str, contents: Sequence[dict[str, str]], purpose: str, dim: int | None
) -> Post:
    body: dict[str, Any] = {
        "model": model,
        "inputs": [{"content": [content]} for content in contents],
        "input_type": purpose,
        "truncation": True,
    }
    path = "/v1/multimodalembeddings"
    return Post(path, body if dim is None else {**body, "output_dimension": dim})


def _price_cohere(spec: EncoderSpec, answer: Any) -> Cost:
    """By the tokens of a text; pictures are billed at a price that the catalog does not hold."""
    billed = answer["meta"]["billed_units"]
    tokens = int(billed.get("input_tokens") or 0)
    return price_tokens(spec, tokens) if set(billed) == {"input_tokens"} else Cost(tokens, None)


def _price_voyage(spec: EncoderSpec, answer: Any) -> Cost:
    usage = answer["usage"]
    text = price_tokens(spec, usage.get("text_tokens", 0))
    pixels_usd = usage.get("image_pixels", 0) * VOYAGE_USD_PER_BILLION_PIXELS / 1e9
    return Cost(usage["total_tokens"] - text.tokens, pixels_usd) + text


PHOTO_VENDORS: dict[Family, PhotoVendor] = {
    Family.COHERE: PhotoVendor(
        COHERE,
        Rate(400, counts_inputs=True),
        max_photos=1,
        build_photos=_build_cohere_photos,
        build_text=_build_cohere_text,
        query_purpose="search_query",
        read=read_cohere,
        price=_price_cohere,
    ),
    Family.VOYAGE: PhotoVendor(
        VOYAGE,
        Rate(2_000),
        # It takes 1,000 with 320,000 tokens, which 89 of the largest have; as many as these stay
        # under 10 MB a request.
        max_photos=8,
        build_photos=_build_voyage_photos,
        build_text=_build_voyage_text,
        query_purpose="query",
        read=read_openai,
        price=_price_voyage,
    ),
}
