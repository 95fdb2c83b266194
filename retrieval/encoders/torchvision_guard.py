"""Makes torchvision importable beside a CPU build of torch.

torchvision's wheel is built against the CUDA build; beside a CPU build its compiled operators do
not load, and its Python half then fails on the two whose names it looks up while being imported.
transformers, colpali-engine and open_clip import torchvision and call neither of the two.
"""

from __future__ import annotations

from functools import cache

MISSING_OPERATOR = "operator torchvision::nms does not exist"


@cache
def ensure_torchvision_imports() -> None:
    """Declares the missing operators where torchvision cannot be imported without them.

    Does nothing where torchvision imports. The declarations live as long as the process: cached,
    so that the library object which owns them is never collected.

    Raises:
        ImportError, RuntimeError: torchvision fails for another reason.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if MISSING_OPERATOR not in str(error):
            raise
        _declare_operators()
        import torchvision  # noqa: F401


@cache
def _declare_operators() -> object:
    import torch

    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define(
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    )
    return library
