"""Opens an encoder of text by its name: a catalog id, a hub id, or the folder of a checkpoint."""

from __future__ import annotations

from retrieval.admission import admit_model
from retrieval.encoders.devices import place_model
from retrieval.encoders.hub import locate_checkpoint
from retrieval.encoders.opening import EncoderOptions, looks_like_hub_id
from retrieval.matryoshka import choose_dim, read_name
from retrieval.model_spec import names_folder
from retrieval.text_encoders.base import TextEncoder, TextFamily
from retrieval.text_encoders.catalog import (
    MINILM_DENSE,
    TEXT_CATALOG,
    find_text_spec,
    find_vendor_models,
    refuse_text_name,
)
from retrieval.text_encoders.description import check_family
from retrieval.text_encoders.passage_encoder import PassageEncoder, PassageModel
from retrieval.training.card import name_base

AUTOMATIC = EncoderOptions()


def check_text_name(name: str) -> None:
    """Refuses a name that is no catalog entry, no folder and no hub id; asks nobody.

    Raises:
        UnknownEncoder: listing the known names.
    """
    bare = read_name(name).name
    if find_text_spec(bare) or names_folder(bare):
        return
    if find_vendor_models(bare) or not looks_like_hub_id(bare):
        raise refuse_text_name(bare)


def open_text_encoder(name: str, options: EncoderOptions = AUTOMATIC) -> TextEncoder:
    """Loads an encoder of text, or reaches for one at a vendor.

    Args:
        name: a catalog id, a hub id (`owner/repository`, `@commit` behind it), or a folder; `:256`
            behind it for vectors of 256 dimensions.
        options: where and how it runs; the embedded one always runs on the CPU, and those at a
            vendor run there. Pooling is the page encoder's.

    Raises:
        UnknownEncoder: no such entry, repository or folder, or no encoder of text.
        HubUnreachable: its weights are not on this machine and the hub does not answer.
        WeightsRefused: the weights are missing, incomplete, or not the expected ones.
        DimensionRefused: it was not trained for vectors of so many dimensions.
        LicenceRefused, ModelNotOpenable: see `retrieval.admission`.
        InvalidSetting: a device, dtype or attention that this machine lacks.
        ServiceAccessDenied: it runs at a vendor, and the environment holds no key.
        HostedNotInstalled: it runs at a vendor, and the extra `hosted` is not installed.
    """
    name, dim = read_name(name)
    check_text_name(name)
    known = find_text_spec(name)
    # What was trained here is under the licence of what it was trained from.
    base = find_text_spec(name_base(name))
    admit_model(name, base, TEXT_CATALOG, commercial=options.commercial)
    if known is not None and known.is_hosted:
        from retrieval.hosted.opening import open_hosted_text_encoder

        return open_hosted_text_encoder(known, choose_dim(known, dim))
    return PassageEncoder(_open_model(name, options), dim)


def _open_model(name: str, options: EncoderOptions) -> PassageModel:
    # The model libraries take seconds to import; listing the catalog must not.
    if name == MINILM_DENSE.id:
        from retrieval.text_encoders.minilm_dense import MinilmDense

        return MinilmDense()
    known = find_text_spec(name)
    checkpoint = locate_checkpoint(name, known.revision if known else "main", may_be_pickled=True)
    family = check_family(checkpoint, known)
    placement = place_model(options.device, options.dtype, options.attention)
    if family == TextFamily.BGE_M3:
        from retrieval.text_encoders.bge_m3 import BgeM3Model

        return BgeM3Model(checkpoint, known, placement)
    from retrieval.text_encoders.sentence_model import SentenceModel

    return SentenceModel(checkpoint, family, known, placement)
