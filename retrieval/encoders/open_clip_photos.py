"""CLIP checkpoints in OpenCLIP format (Radford et al. 2021; Cherti et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.photo_space import (
    bound_shape,
    build_query_vector,
    build_stored_vectors,
    convert_to_rgb,
)
from retrieval.encoders.query_words import has_word
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.errors import WeightsRefused

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

BATCH_PHOTOS = 16

# A contrastive softmax calibrates no single score. LAION kept image-text pairs whose CLIP ViT-B/32
# cosine is at least 0.28 (LAION-5B, Schuhmann et al. 2022, section 3), after looking at pairs.
LAION_CLEAR_SCORE = 0.28


class OpenClipEncoder:
    """Photos and texts through one OpenCLIP checkpoint.

    Args:
        folder: holds `open_clip_config.json` and the weights in OpenCLIP's format.
        spec: the catalog entry, or one made from the checkpoint's config.
        revision: the commit of the hub repository, or another name of these very weights.
        device: a torch device such as "cpu" or "cuda".
        dtype: of the weights; it only rounds, so it is not part of the key.

    Raises:
        WeightsRefused: the folder cannot be opened, or its weights do not fit its config.
    """

    def __init__(
        self, folder: Path, spec: EncoderSpec, revision: str, device: str, dtype: torch.dtype
    ) -> None:
        import torch

        ensure_torchvision_imports()
        import open_clip

        self._torch = torch
        self._spec = spec
        self._revision = revision
        self._device = device
        self._dtype = dtype
        name = f"local-dir:{folder}"
        try:
            # Keys are matched strictly; without weights open_clip would start from random ones.
            model, _, preprocess = open_clip.create_model_and_transforms(
                name, require_pretrained=True
            )
            self._tokenize: Any = open_clip.get_tokenizer(name)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise WeightsRefused(f"{spec.id} does not open from {folder}: {reason}") from error
        self._model: Any = model.eval().to(device=device, dtype=dtype)
        self._preprocess: Any = preprocess
        self._clear_score = LAION_CLEAR_SCORE
        bias = getattr(model, "logit_bias", None)
        if bias is not None:
            # Trained with SigLIP's loss: even chances, as in `retrieval.encoders.siglip`.
            self._clear_score = -float(bias) / float(model.logit_scale.exp())

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry, or one made from the checkpoint's config."""
        return self._spec

    @property
    def key(self) -> str:
        """Model, revision, and the library that prepares pixels and tokens."""
        return f"{self._spec.id}@{self._revision[:12]}/open_clip-{version('open_clip_torch')}"

    @property
    def clear_score(self) -> float:
        """The cosine from which on LAION took a photo and a text to belong together."""
        return self._clear_score

    def encode_photos(self, photos: Sequence[Image]) -> NDArray[np.float16]:
        """One unit vector a photo, `[n_photos, dim]`.

        Raises:
            InvalidEmbedding: the model gave NaN, or vectors of another length than `spec.dim`.
        """
        batches: list[NDArray[np.float32]] = []
        for first in range(0, len(photos), BATCH_PHOTOS):
            pixels = self._torch.stack(
                [
                    self._preprocess(bound_shape(convert_to_rgb(photo)))
                    for photo in photos[first : first + BATCH_PHOTOS]
                ]
            )
            with self._torch.inference_mode():
                output = self._model.encode_image(pixels.to(self._device, self._dtype))
            batches.append(output.float().cpu().numpy())
        empty = np.empty((0, self._spec.dim), dtype=np.float32)
        features = np.concatenate(batches) if batches else empty
        return build_stored_vectors(features, self._spec.dim)

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """The unit query vector `[dim]` of a text; None for a text without a word."""
        if not has_word(text):
            return None
        with self._torch.inference_mode():
            features = self._model.encode_text(self._tokenize([text]).to(self._device))
        return build_query_vector(features[0].float().cpu().numpy(), self._spec.dim)

    def look_like(self, vector: NDArray[np.float16]) -> NDArray[np.float32]:
        """The photo's own vector: photos and texts share the space."""
        return build_query_vector(vector, self._spec.dim)
