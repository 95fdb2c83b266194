"""Opens an encoder by its name: a catalog id, a hub id, or the folder of a checkpoint."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

from retrieval.admission import admit_model
from retrieval.encoders.base import Encoder, EncoderSpec, Family, PhotoEncoder, SoundEncoder
from retrieval.encoders.catalog import (
    DEFAULT_ON_GPU_ID,
    MINILM_LAYOUT_ID,
    PAGE_CATALOG,
    find_spec,
    refuse_name,
)
from retrieval.encoders.devices import AUTO, find_accelerator, place_model
from retrieval.encoders.hub import Checkpoint, hub_answers, is_cached, locate_checkpoint
from retrieval.encoders.photo_catalog import IMAGENET_TAGS, PHOTO_CATALOG
from retrieval.encoders.sound_catalog import SOUND_CATALOG
from retrieval.errors import UnknownEncoder, WeightsRefused
from retrieval.matryoshka import choose_dim, read_name, read_trained_dims
from retrieval.model_spec import names_folder
from retrieval.training.card import name_base, read_card

# The class that a checkpoint's config names, and the family that it is opened as.
ARCHITECTURES = {
    "ColPali": Family.COLPALI,
    "ColQwen2": Family.COLQWEN2,
    "ColQwen2_5": Family.COLQWEN2_5,
    "ColIdefics3": Family.COLIDEFICS3,
    "ColPaliForRetrieval": Family.NATIVE_COLPALI,
    "ColQwen2ForRetrieval": Family.NATIVE_COLQWEN2,
    "MinilmLayoutHead": Family.MINILM_LAYOUT,
}

PHOTO_DEFAULT_ON_GPU_ID = "google/siglip2-base-patch16-384"
SOUND_DEFAULT_ON_GPU_ID = "laion/clap-htsat-unfused"

NATIVE = (Family.NATIVE_COLPALI, Family.NATIVE_COLQWEN2)


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How an encoder is run; see `retrieval.encoders.devices.place_model`.

    Attributes:
        pool_factor: 1, or by how much hierarchical token pooling reduces a page's vectors.
        commercial: whether what is no model for commercial use is refused.
    """

    device: str = AUTO
    dtype: str = AUTO
    attention: str = AUTO
    pool_factor: int = 1
    commercial: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that "auto" stands for on this machine, and why."""

    name: str
    reason: str


def choose_encoder() -> Choice:
    """ColQwen2 where there is a GPU and a way to its weights, else the embedded encoder."""
    return _choose(DEFAULT_ON_GPU_ID, MINILM_LAYOUT_ID)


def choose_photo_encoder() -> Choice:
    """SigLIP 2 where there is a GPU and a way to its weights, else the embedded encoder."""
    return _choose(PHOTO_DEFAULT_ON_GPU_ID, IMAGENET_TAGS.id)


def choose_sound_encoder() -> Choice | None:
    """CLAP where there is a GPU and a way to its weights; none comes with Pagelens."""
    accelerator, spec = find_accelerator(), find_spec(SOUND_DEFAULT_ON_GPU_ID, SOUND_CATALOG)
    assert spec is not None, "the default is in the catalog"
    if accelerator is None:
        return None
    if is_cached(spec.id, spec.revision, may_be_pickled=True) or hub_answers(spec.id):
        return Choice(spec.id, f"{accelerator[1]}, and a way to the checkpoint")
    return None


def _choose(on_gpu: str, embedded: str) -> Choice:
    accelerator = find_accelerator()
    if accelerator is None:
        return Choice(embedded, "this machine has no GPU (CUDA or Apple MPS)")
    _, gpu = accelerator
    if is_cached(on_gpu):
        return Choice(on_gpu, f"{gpu}; the checkpoint is in the cache")
    if hub_answers(on_gpu):
        return Choice(on_gpu, f"{gpu}; the checkpoint comes from the model hub")
    return Choice(
        embedded,
        f"{gpu}, but {on_gpu} is not in the cache and the model hub does not answer",
    )


def open_encoder(name: str, options: EncoderOptions = EncoderOptions()) -> Encoder:
    """Loads an encoder of pages.

    Args:
        name: a catalog id, a hub id (`owner/repository`, `@commit` behind it), or a folder; `:256`
            behind it for vectors of 256 dimensions.
        options: where and how it runs.

    Raises:
        UnknownEncoder: no such entry, repository or folder, or not of a known family.
        HubUnreachable: its weights are not on this machine and the hub does not answer.
        WeightsRefused: the weights are missing, incomplete, or not the expected ones.
        LicenceRefused, ModelNotOpenable: see `retrieval.admission`.
        DimensionRefused: it was not trained for vectors of so many dimensions.
        InvalidSetting: a device, dtype or attention that this machine lacks.
    """
    # The model libraries take seconds to import; listing the catalog must not.
    name, dim = read_name(name)
    if name == MINILM_LAYOUT_ID:
        from retrieval.encoders.minilm_layout import MinilmLayoutEncoder

        encoder: Encoder = MinilmLayoutEncoder()
    else:
        encoder = _open_checkpoint(name, options)
    if choose_dim(encoder.spec, dim) != encoder.spec.dim:
        from retrieval.encoders.shortened import ShortenedEncoder

        encoder = ShortenedEncoder(encoder, dim)
    if options.pool_factor == 1:
        return encoder
    from retrieval.encoders.pooling import PooledEncoder

    return PooledEncoder(encoder, options.pool_factor)


def _open_checkpoint(name: str, options: EncoderOptions) -> Encoder:
    known = find_spec(name)
    if known is None and not names_folder(name) and not looks_like_hub_id(name):
        raise refuse_name(name)
    # What was trained here is under the licence of what it was trained from.
    base = find_spec(name_base(name))
    admit_model(name, base, PAGE_CATALOG, commercial=options.commercial)
    checkpoint = locate_checkpoint(name, known.revision if known else "main")
    family = read_family(checkpoint)
    spec = known or describe_checkpoint(checkpoint, family)
    if family == Family.MINILM_LAYOUT:
        from retrieval.encoders.minilm_head import load_head
        from retrieval.encoders.minilm_layout import MinilmLayoutEncoder

        return MinilmLayoutEncoder(load_head(checkpoint, spec))
    placement = place_model(options.device, options.dtype, options.attention)
    from retrieval.encoders.visual import VisualEncoder

    if family in NATIVE:
        from retrieval.encoders.native_family import load_native_family

        return VisualEncoder(load_native_family(checkpoint, family, spec, placement))
    from retrieval.encoders.colpali_family import load_colpali_family

    return VisualEncoder(load_colpali_family(checkpoint, family, spec, placement))


def open_photo_encoder(name: str, options: EncoderOptions = EncoderOptions()) -> PhotoEncoder:
    """Loads an encoder of photos; see `open_encoder`.

    Raises:
        ServiceAccessDenied: it runs at a vendor, and the environment holds no key.
        HostedNotInstalled: it runs at a vendor, and the extra `hosted` is not installed.
    """
    if name == IMAGENET_TAGS.id:
        from retrieval.encoders.imagenet_tags import ImagenetTagsEncoder

        return ImagenetTagsEncoder()
    known = find_spec(name, PHOTO_CATALOG)
    if known is None and not names_folder(name) and not looks_like_hub_id(name):
        raise refuse_name(name, PHOTO_CATALOG)
    admit_model(name, known, PHOTO_CATALOG, commercial=options.commercial)
    if known is not None and known.is_hosted:
        from retrieval.hosted.opening import open_hosted_photo_encoder

        return open_hosted_photo_encoder(known)
    checkpoint = locate_checkpoint(name, known.revision if known else "main")
    family, dim = read_photo_family(checkpoint)
    spec = known or describe_photo_checkpoint(checkpoint, family, dim)
    placement = place_model(options.device, options.dtype, options.attention)
    if family == Family.OPEN_CLIP:
        from retrieval.encoders.open_clip_photos import OpenClipEncoder

        return OpenClipEncoder(
            checkpoint.folder, spec, checkpoint.revision, placement.device, placement.torch_dtype
        )
    from retrieval.encoders.siglip import SiglipEncoder

    return SiglipEncoder(
        checkpoint.folder, spec, checkpoint.revision, placement.device, placement.torch_dtype
    )


def read_photo_family(checkpoint: Checkpoint) -> tuple[Family, int]:
    """The family of a photo encoder's checkpoint and the length of its vectors.

    Raises:
        UnknownEncoder: it is neither SigLIP nor in OpenCLIP's format.
    """
    if (checkpoint.folder / "open_clip_config.json").exists():
        path = checkpoint.folder / "open_clip_config.json"
        return Family.OPEN_CLIP, json.loads(path.read_text())["model_cfg"]["embed_dim"]
    config = checkpoint.config
    if config.get("model_type") in ("siglip", "siglip2"):
        from transformers import AutoConfig

        # Sizes that are the class's defaults are not written into the file.
        vision = AutoConfig.from_pretrained(checkpoint.folder).vision_config
        return Family.SIGLIP, vision.hidden_size
    raise UnknownEncoder(
        f"{checkpoint.name} is a {config.get('model_type', 'model of unknown type')}; "
        "photos are encoded by SigLIP, SigLIP 2 and OpenCLIP"
    )


def describe_photo_checkpoint(checkpoint: Checkpoint, family: Family, dim: int) -> EncoderSpec:
    """A catalog entry for a photo checkpoint that the catalog lacks, from its config."""
    model = next(spec for spec in PHOTO_CATALOG if spec.family == family)
    return _describe_unlisted(checkpoint, model, dim)


def _describe_unlisted(checkpoint: Checkpoint, model: EncoderSpec, dim: int) -> EncoderSpec:
    n_parameters = count_parameters(checkpoint)
    return replace(
        model,
        id=checkpoint.name,
        source=str(checkpoint.folder),
        revision=checkpoint.revision,
        dim=dim,
        licence="not stated here: see its model card",
        commercial_use=False,
        n_parameters=n_parameters,
        memory_bytes=4 * n_parameters,
        model_card=checkpoint.name,
        checked="",
        note="",
    )


def open_sound_encoder(name: str, options: EncoderOptions = EncoderOptions()) -> SoundEncoder:
    """Loads an encoder of sounds; see `open_encoder`."""
    known = find_spec(name, SOUND_CATALOG)
    if known is None and not names_folder(name) and not looks_like_hub_id(name):
        raise refuse_name(name, SOUND_CATALOG)
    admit_model(name, known, SOUND_CATALOG, commercial=options.commercial)
    # The published checkpoints are from before safetensors.
    revision = known.revision if known else "main"
    checkpoint = locate_checkpoint(name, revision, may_be_pickled=True)
    model_type = checkpoint.config.get("model_type", "model of unknown type")
    if model_type != Family.CLAP.value:
        raise UnknownEncoder(f"{name} is a {model_type}; sounds are encoded by CLAP")
    spec = known or describe_sound_checkpoint(checkpoint)
    placement = place_model(options.device, options.dtype, options.attention)
    from retrieval.encoders.clap import ClapEncoder

    return ClapEncoder(
        checkpoint.folder, spec, checkpoint.revision, placement.device, placement.torch_dtype
    )


def describe_sound_checkpoint(checkpoint: Checkpoint) -> EncoderSpec:
    """A catalog entry for a CLAP checkpoint that the catalog lacks, from its config."""
    model = SOUND_CATALOG[0]
    # Sizes that are the class's defaults are not written into the file.
    dim = checkpoint.config.get("projection_dim", model.dim)
    return _describe_unlisted(checkpoint, model, dim)


def looks_like_hub_id(name: str) -> bool:
    """Whether a name has the form `owner/repository`, rather than of a path."""
    owner, slash, repository = name.partition("@")[0].partition("/")
    return bool(slash and owner.strip(".~") and repository and "/" not in repository)


def read_family(checkpoint: Checkpoint) -> Family:
    """The family of a page encoder's checkpoint, from its config.

    Raises:
        UnknownEncoder: it is of none of the known families.
    """
    architectures = checkpoint.config.get("architectures") or []
    for architecture in architectures:
        if architecture in ARCHITECTURES:
            return ARCHITECTURES[architecture]
    raise UnknownEncoder(
        f"{checkpoint.name} is a {', '.join(architectures) or 'model of unknown architecture'}; "
        f"known are {', '.join(ARCHITECTURES)}"
    )


def describe_checkpoint(checkpoint: Checkpoint, family: Family) -> EncoderSpec:
    """A catalog entry for a checkpoint that the catalog lacks, from its config.

    Prompts and sizes are those of its family. Of its licence nothing is known, unless it was
    trained here: then it is that of its base.
    """
    model = next(spec for spec in PAGE_CATALOG if spec.family == family)
    config: dict[str, Any] = checkpoint.config
    n_parameters = count_parameters(checkpoint)
    dim = config.get("embedding_dim", model.dim)
    card = read_card(checkpoint.folder)
    return replace(
        model,
        id=checkpoint.name,
        source=str(checkpoint.folder),
        revision=checkpoint.revision,
        dim=dim,
        matryoshka_dims=read_trained_dims(
            {"matryoshka_dims": card.matryoshka_dims} if card else config, dim
        ),
        licence=card.licence if card else "not stated here: see its model card",
        commercial_use=card.commercial_use if card else False,
        n_parameters=n_parameters,
        memory_bytes=2 * n_parameters,
        vidore_ndcg5=None,
        vidore_source="",
        model_card=checkpoint.name,
        checked="",
        note="",
    )


def count_parameters(checkpoint: Checkpoint) -> int:
    """How many weights the safetensors files of a checkpoint hold, the base's included.

    Raises:
        WeightsRefused: a file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    n_parameters = count_parameters(checkpoint.base) if checkpoint.base else 0
    for path in checkpoint.folder.glob("*.safetensors"):
        try:
            with safe_open(path, framework="numpy") as file:
                n_parameters += sum(
                    math.prod(file.get_slice(name).get_shape())
                    for name in file.keys()  # noqa: SIM118
                )
        except SafetensorError as error:
            raise WeightsRefused(f"{path} is damaged: {error}") from error
    return n_parameters
