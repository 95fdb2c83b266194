"""Opens models that run at a vendor, by their catalog entries; nothing is sent before they work."""

from __future__ import annotations

from retrieval.encoders.base import EncoderSpec
from retrieval.hosted.connection import Patience, ServiceConnection
from retrieval.hosted.embeddings import TEXT_VENDORS
from retrieval.hosted.photos import PHOTO_VENDORS, HostedPhotoEncoder
from retrieval.hosted.reranker import RERANK_VENDORS, HostedReranker
from retrieval.hosted.text_encoder import HostedTextEncoder
from retrieval.rerankers.base import RerankerSpec
from retrieval.text_encoders.base import TextEncoderSpec


def open_hosted_text_encoder(
    spec: TextEncoderSpec,
    dim: int | None = None,
    *,
    url: str | None = None,
    patience: Patience | None = None,
) -> HostedTextEncoder:
    """Opens a text encoder.

    Args:
        spec: an entry of a vendor's family.
        dim: one of the lengths of vectors that the model was trained for, which whoever opens
            models by name checks; None for the spec's.
        url: another address than the vendor's.
        patience: how often the vendor is asked, and how long is waited; None for the usual.

    Raises:
        HostedNotInstalled: the extra `hosted` is not installed.
        ServiceAccessDenied: the environment holds no key for the vendor.
    """
    vendor = TEXT_VENDORS[spec.family]
    return HostedTextEncoder(spec, vendor, ServiceConnection(vendor.service, url, patience), dim)


def open_hosted_reranker(
    spec: RerankerSpec, *, url: str | None = None, patience: Patience | None = None
) -> HostedReranker:
    """Opens a reranker; see `open_hosted_text_encoder`."""
    vendor = RERANK_VENDORS[spec.id.partition("/")[0]]
    return HostedReranker(spec, vendor, ServiceConnection(vendor.service, url, patience))


def open_hosted_photo_encoder(
    spec: EncoderSpec, *, url: str | None = None, patience: Patience | None = None
) -> HostedPhotoEncoder:
    """Opens an encoder of photos; see `open_hosted_text_encoder`."""
    vendor = PHOTO_VENDORS[spec.family]
    return HostedPhotoEncoder(spec, vendor, ServiceConnection(vendor.service, url, patience))
