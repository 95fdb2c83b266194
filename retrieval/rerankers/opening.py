"""Opens a reranker by its name: a catalog id, a hub id, or the folder of a checkpoint."""

from __future__ import annotations

from retrieval.admission import admit_model
from retrieval.encoders.devices import place_model
from retrieval.encoders.hub import locate_checkpoint
from retrieval.encoders.opening import Choice, EncoderOptions, looks_like_hub_id
from retrieval.model_spec import names_folder
from retrieval.rerankers.base import Reranker
from retrieval.rerankers.catalog import (
    MINILM_RERANKER,
    RERANKER_CATALOG,
    find_reranker,
    refuse_reranker,
)

AUTOMATIC = EncoderOptions()


def choose_reranker() -> Choice:
    """The embedded one on every machine: it needs no download and no GPU."""
    return Choice(MINILM_RERANKER.id, "it comes with Pagelens and runs on any CPU")


def open_reranker(name: str, options: EncoderOptions = AUTOMATIC) -> Reranker:
    """Loads a reranker.

    Args:
        name: a catalog id, a hub id (`owner/repository`, `@commit` behind it), or a folder.
        options: where and how it runs; the embedded one always runs on the CPU, and those at a
            vendor run there.

    Raises:
        UnknownEncoder: no such entry, repository or folder.
        HubUnreachable: its weights are not on this machine and the hub does not answer.
        WeightsRefused: the weights are missing, incomplete, or not those of a reranker.
        LicenceRefused, ModelNotOpenable: see `retrieval.admission`.
        InvalidSetting: a device, dtype or attention that this machine lacks.
        ServiceAccessDenied: it runs at a vendor, and the environment holds no key.
        HostedNotInstalled: it runs at a vendor, and the extra `hosted` is not installed.
    """
    if name == MINILM_RERANKER.id:
        from retrieval.rerankers.minilm_reranker import MinilmReranker

        return MinilmReranker()
    check_reranker(name)
    known = find_reranker(name)
    admit_model(name, known, RERANKER_CATALOG, commercial=options.commercial)
    if known is not None and known.is_hosted:
        from retrieval.hosted.opening import open_hosted_reranker

        return open_hosted_reranker(known)
    checkpoint = locate_checkpoint(name, known.revision if known else "main")
    placement = place_model(options.device, options.dtype, options.attention)
    from retrieval.rerankers.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(checkpoint, known, placement)


def check_reranker(name: str) -> None:
    """Refuses a name that is no catalog entry, no folder and no hub id.

    Raises:
        UnknownEncoder: listing the known names.
    """
    if not (find_reranker(name) or names_folder(name) or looks_like_hub_id(name)):
        raise refuse_reranker(name)
