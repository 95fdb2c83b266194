"""SigLIP and SigLIP 2 checkpoints in Hugging Face format (Zhai et al. 2023, Tschannen et al. 2025).

Two towers trained with a sigmoid loss: for every photo and text on its own, how likely it is that
the text describes the photo. SigLIP 2 checkpoints of fixed resolution have SigLIP's architecture;
those of native aspect ratio (NaFlex) have their own, and both open here.
"""

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
    take_pooled,
)
from retrieval.encoders.query_words import has_word
from retrieval.encoders.strict_keys import refuse_key_differences
from retrieval.encoders.torchvision_guard import ensure_torchvision_imports
from retrieval.errors import WeightsRefused

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

# Photos in one forward pass: bounds the memory, and changes no vector.
BATCH_PHOTOS = 16


class SiglipEncoder:
    """Photos and texts through one SigLIP checkpoint.

    Args:
        folder: the checkpoint: config, safetensors, tokenizer and processor files.
        spec: the catalog entry, or one made from the checkpoint's config.
        revision: the commit of the hub repository, or another name of these very weights.
        device: a torch device such as "cpu" or "cuda".
        dtype: of the weights; it only rounds, so it is not part of the key.

    Raises:
        WeightsRefused: the folder cannot be opened, is another architecture, or its weights do not
            fit its config name by name.
    """

    def __init__(
        self, folder: Path, spec: EncoderSpec, revision: str, device: str, dtype: torch.dtype
    ) -> None:
        import torch

        ensure_torchvision_imports()
        from transformers import AutoModel, AutoProcessor

        self._torch = torch
        self._spec = spec
        self._revision = revision
        self._device = device
        self._dtype = dtype
        try:
            model, loading = AutoModel.from_pretrained(
                folder, dtype=dtype, local_files_only=True, output_loading_info=True
            )
            processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise WeightsRefused(f"{spec.id} does not open from {folder}: {error}") from error
        refuse_key_differences(spec.id, loading)
        if not hasattr(model, "logit_bias") or not hasattr(model, "logit_scale"):
            raise WeightsRefused(f"{spec.id} holds a {type(model).__name__}, not a SigLIP model")
        self._model: Any = model.eval().to(device)
        self._image_processor: Any = processor.image_processor
        self._tokenizer: Any = processor.tokenizer
        self._text_tokens = int(model.config.text_config.max_position_embeddings)
        self._clear_score = _find_even_chance(
            float(model.logit_scale.detach().float().exp()), float(model.logit_bias.detach())
        )

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry, or one made from the checkpoint's config."""
        return self._spec

    @property
    def key(self) -> str:
        """Model, revision, and the library that prepares pixels and tokens."""
        return f"{self._spec.id}@{self._revision[:12]}/transformers-{version('transformers')}"

    @property
    def clear_score(self) -> float:
        """The cosine at which the model itself holds a match for as likely as not.

        The sigmoid loss trains `sigmoid(scale * cosine + bias)` as a probability, so its own
        calibration answers. Real matches score little: the published SigLIP checkpoints have a
        scale near 110 and a bias between -10 and -17, which puts this at about 0.1 to 0.15.
        """
        return self._clear_score

    def encode_photos(self, photos: Sequence[Image]) -> NDArray[np.float16]:
        """One unit vector a photo, `[n_photos, dim]`.

        Raises:
            InvalidEmbedding: the model gave NaN, or vectors of another length than `spec.dim`.
        """
        batches = [
            self._forward_photos(photos[first : first + BATCH_PHOTOS])
            for first in range(0, len(photos), BATCH_PHOTOS)
        ]
        empty = np.empty((0, self._spec.dim), dtype=np.float32)
        features = np.concatenate(batches) if batches else empty
        return build_stored_vectors(features, self._spec.dim)

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """The unit query vector `[dim]` of a text; None for a text without a word.

        Prepared as in training, or the vectors are much worse: in lower case, filled up on the
        right to the full length, and the filling attended to, for which no mask is given
        (big_vision issues 157 and 187, transformers pull request 43101).
        """
        if not has_word(text):
            return None
        torch = self._torch
        tokens = self._tokenizer(
            [text.lower()],
            padding="max_length",
            padding_side="right",
            truncation=True,
            max_length=self._text_tokens,
            return_tensors="pt",
        )
        with torch.inference_mode():
            output = self._model.get_text_features(input_ids=tokens["input_ids"].to(self._device))
        return build_query_vector(take_pooled(output, "SigLIP")[0], self._spec.dim)

    def look_like(self, vector: NDArray[np.float16]) -> NDArray[np.float32]:
        """The photo's own vector: photos and texts share the space."""
        return build_query_vector(vector, self._spec.dim)

    def _forward_photos(self, photos: Sequence[Image]) -> NDArray[np.float32]:
        torch = self._torch
        pixels = self._image_processor(
            images=[bound_shape(convert_to_rgb(photo)) for photo in photos], return_tensors="pt"
        )
        inputs = {name: values.to(self._device) for name, values in pixels.items()}
        inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
        with torch.inference_mode():
            output = self._model.get_image_features(**inputs)
        return take_pooled(output, "SigLIP")


def _find_even_chance(scale: float, bias: float) -> float:
    """The cosine at which `sigmoid(scale * cosine + bias)` is one half.

    Raises:
        WeightsRefused: scale or bias is not a finite number, or the scale is not positive.
    """
    if not (np.isfinite(scale) and np.isfinite(bias) and scale > 0):
        raise WeightsRefused(f"a SigLIP model with scale {scale} and bias {bias} cannot be used")
    return -bias / scale
