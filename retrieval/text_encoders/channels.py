"""The text encoders of a library as one: each makes its channels, and a page has them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.errors import InvalidSetting
from retrieval.text_encoders.base import (
    NO_TEXT,
    Channel,
    TextEmbedding,
    TextEncoder,
    TextEncoderSpec,
)


@dataclass(frozen=True, slots=True)
class ChannelSpace:
    """The space of a channel's vectors.

    Attributes:
        channel: which.
        dim: length of a dense vector, or of a token's; 0 for terms, of which any may come.
        encoder_key: the text encoder that they are from.
    """

    channel: Channel
    dim: int
    encoder_key: str


class TextEncoders:
    """Text encoders of which no two make the same channel; there may be none.

    Attributes:
        encoders: they themselves.
        spaces: of their channels.
    """

    def __init__(self, encoders: Sequence[TextEncoder] = ()) -> None:
        """Takes them together.

        Raises:
            InvalidSetting: two make the same channel.
        """
        self.encoders = tuple(encoders)
        spaces: dict[Channel, ChannelSpace] = {}
        makers: dict[Channel, str] = {}
        for encoder in self.encoders:
            for channel in encoder.spec.channels:
                if channel in makers:
                    raise InvalidSetting(
                        f"the text models {makers[channel]} and {encoder.spec.id} both make "
                        f"{channel.value} vectors; a library takes them from one"
                    )
                makers[channel] = encoder.spec.id
                dim = 0 if channel is Channel.TERMS else encoder.dim
                spaces[channel] = ChannelSpace(channel, dim, encoder.key)
        self.spaces = tuple(spaces[channel] for channel in Channel if channel in spaces)

    @property
    def specs(self) -> tuple[TextEncoderSpec, ...]:
        """The catalog entry of each encoder, or what was read from its checkpoint."""
        return tuple(encoder.spec for encoder in self.encoders)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key of each encoder."""
        return tuple(encoder.key for encoder in self.encoders)

    def encode_pages(self, texts: Sequence[str]) -> list[TextEmbedding]:
        """What all encoders make of each text; see `TextEncoder.encode_pages`."""
        merged = [NO_TEXT] * len(texts)
        for encoder in self.encoders:
            made = encoder.encode_pages(texts)
            merged = [_merge(*pair) for pair in zip(merged, made, strict=True)]
        return merged

    def encode_query(self, text: str) -> TextEmbedding:
        """What all encoders make of a question; see `TextEncoder.encode_query`."""
        merged = NO_TEXT
        for encoder in self.encoders:
            merged = _merge(merged, encoder.encode_query(text))
        return merged


def _merge(first: TextEmbedding, second: TextEmbedding) -> TextEmbedding:
    return TextEmbedding(
        dense=second.dense if first.dense is None else first.dense,
        tokens=second.tokens if first.tokens is None else first.tokens,
        terms=second.terms if first.terms is None else first.terms,
    )
