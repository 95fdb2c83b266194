"""What goes wrong with models: their names, weights, licences, devices and vectors."""

from __future__ import annotations

from retrieval.errors.base import PagelensError


class UnknownEncoder(PagelensError):
    """The encoder or reranker named is neither in the catalog nor a folder."""

    exit_code = 2
    remedy = "`pagelens models` lists the models."


class ModelFolderGone(PagelensError):
    """A library was made with a model in a folder, and that was moved, renamed or removed."""

    exit_code = 5
    remedy = "Move the folder, or a copy of it, back to where it was."


class WeightsRefused(PagelensError):
    """Model weights are missing or are not the file that Pagelens expects."""

    exit_code = 5
    remedy = (
        "Get the checkpoint anew, or choose another --model; weights that come with Pagelens are "
        "repaired by installing it again."
    )


class ModelNotOpenable(PagelensError):
    """The catalog lists the model, and says why Pagelens cannot open it."""

    exit_code = 5
    remedy = "Choose that model; `pagelens models` says of each what stands in the way."


class LicenceRefused(PagelensError):
    """Only models for commercial use are to be opened, and this is none, as far as is known."""

    exit_code = 5
    remedy = "Choose that model, or unset PAGELENS_COMMERCIAL where the use is not commercial."


class HubUnreachable(PagelensError):
    """A checkpoint is not in the cache, and the model hub does not answer."""

    exit_code = 5
    remedy = (
        "Offline, choose what comes with Pagelens: --model minilm-layout --photo-model "
        "imagenet-tags --reranker minilm-reranker."
    )


class SelfTestFailed(PagelensError):
    """An encoder did not find four plain pages by four plain questions."""

    exit_code = 5
    remedy = (
        "Its weights are damaged, untrained or loaded wrongly: choose another --model. "
        "--skip-self-test uses it all the same."
    )


class DeviceOutOfMemory(PagelensError):
    """A batch does not fit into the memory of the device that the model runs on."""

    exit_code = 7
    remedy = "Close what else uses the device, or run on the CPU with PAGELENS_DEVICE=cpu."


class EncoderMismatch(PagelensError):
    """The library was made with another encoder than the one asked for."""

    exit_code = 6
    remedy = (
        "Use what the library was made with, change that with `pagelens migrate`, or name a new "
        "folder with --library."
    )


class DimensionRefused(PagelensError):
    """A model was not trained for vectors of this length."""

    exit_code = 2
    remedy = "Leave out --dim, or give one that `pagelens models` lists for the model."


class InvalidEmbedding(PagelensError):
    """An embedding has the wrong shape or dtype, or holds NaN, infinite or non-unit vectors."""

    exit_code = 7
