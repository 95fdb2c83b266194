"""The text encoders Pagelens knows by name; listing them loads no weights."""

from __future__ import annotations

from retrieval.errors import UnknownEncoder
from retrieval.matryoshka import read_name
from retrieval.text_encoders.base import TextEncoderSpec
from retrieval.text_encoders.dense import DENSE, MINILM_DENSE
from retrieval.text_encoders.domain import DOMAIN
from retrieval.text_encoders.hosted_models import HOSTED
from retrieval.text_encoders.tokens_and_terms import TOKENS_AND_TERMS

__all__ = [
    "MINILM_DENSE",
    "TEXT_CATALOG",
    "find_text_spec",
    "find_vendor_models",
    "refuse_text_name",
]

TEXT_CATALOG: tuple[TextEncoderSpec, ...] = DENSE + TOKENS_AND_TERMS + DOMAIN + HOSTED


def find_text_spec(name: str) -> TextEncoderSpec | None:
    """The catalog entry of a name; see `retrieval.encoders.catalog.find_spec`."""
    unpinned = read_name(name).unpinned
    return next((spec for spec in TEXT_CATALOG if spec.id == unpinned), None)


def find_vendor_models(name: str) -> list[str]:
    """The models of the vendor that a name such as `openai/...` begins with; none for others."""
    prefix = f"{name.partition('/')[0]}/"
    return [spec.id for spec in HOSTED if spec.id.startswith(prefix)]


def refuse_text_name(name: str) -> UnknownEncoder:
    """The error for a name that is no entry, no folder and no hub id."""
    if of_vendor := find_vendor_models(name):
        return UnknownEncoder(
            f"unknown text model {name!r}: of this vendor these are known: {', '.join(of_vendor)}"
        )
    known = ", ".join(spec.id for spec in TEXT_CATALOG)
    return UnknownEncoder(
        f"unknown text model {name!r}: neither a folder, nor a hub id, nor one of {known}"
    )
