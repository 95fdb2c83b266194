"""What encoders of photos and sounds share: RGB pixels, and unit vectors that are checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.errors import InvalidEmbedding
from retrieval.records import check_unit_vectors

# A photo is cut to this shape around its centre before a model's own resize: scaling the short side
# of a 1 x 30,000 scan line up to 224 px would take 5 GB. No photo or panorama is this wide.
MAX_ASPECT_RATIO = 20.0

# Libraries guess which axis holds the colours from its length; 1 or 3 pixels a side mislead them.
MIN_SIDE_PX = 8

# Modes with more than 8 bits a channel; Pillow clips them to white instead of scaling.
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")


def convert_to_rgb(photo: Image.Image) -> Image.Image:
    """Makes 8-bit RGB of any Pillow mode; what is transparent becomes white, as on paper."""
    if photo.mode in DEEP_MODES:
        photo = _scale_to_8_bits(photo)
    if photo.has_transparency_data:
        rgba = photo.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        photo = Image.alpha_composite(paper, rgba)
    return photo.convert("RGB")


def bound_shape(photo: Image.Image) -> Image.Image:
    """Cuts a very long photo around its centre and enlarges one of a few pixels."""
    width, height = photo.size
    keep_width = min(width, max(1, int(height * MAX_ASPECT_RATIO)))
    keep_height = min(height, max(1, int(width * MAX_ASPECT_RATIO)))
    if (keep_width, keep_height) != (width, height):
        left, top = (width - keep_width) // 2, (height - keep_height) // 2
        photo = photo.crop((left, top, left + keep_width, top + keep_height))
    if min(photo.size) < MIN_SIDE_PX:
        enlarged = [max(side, MIN_SIDE_PX) for side in photo.size]
        photo = photo.resize((enlarged[0], enlarged[1]), Image.Resampling.NEAREST)
    return photo


def scale_to_unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scales each row of `[n, dim]` to unit length; rows of zeros become NaN."""
    rows = np.asarray(vectors, dtype=np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def build_stored_vectors(features: NDArray[np.floating], dim: int) -> NDArray[np.float16]:
    """Makes what is stored, float16 unit rows `[n_photos, dim]`, from a model's raw features.

    Raises:
        InvalidEmbedding: another `dim`, or a row that is zero, infinite or NaN.
    """
    if features.ndim != 2 or features.shape[1] != dim:
        raise InvalidEmbedding(f"photo features are {list(features.shape)}, expected [n, {dim}]")
    vectors = scale_to_unit(features).astype(np.float16)
    check_unit_vectors(vectors, np.float16)
    return vectors


def build_query_vector(features: NDArray[np.floating], dim: int) -> NDArray[np.float32]:
    """Makes a query vector, float32 `[dim]` of unit length, from a model's raw text features.

    Raises:
        InvalidEmbedding: another `dim`, or the features are zero, infinite or NaN.
    """
    if features.shape != (dim,):
        raise InvalidEmbedding(f"text features are {list(features.shape)}, expected [{dim}]")
    vectors = scale_to_unit(features[np.newaxis])
    check_unit_vectors(vectors, np.float32)
    return np.asarray(vectors[0], dtype=np.float32)


def _scale_to_8_bits(photo: Image.Image) -> Image.Image:
    levels = np.asarray(photo, dtype=np.float32)
    low, high = float(levels.min()), float(levels.max())
    span = high - low
    scaled = (levels - low) * (255.0 / span) if span > 0 else np.zeros_like(levels)
    return Image.fromarray(scaled.astype(np.uint8), "L")


def take_pooled(output: Any, family: str) -> NDArray[np.float32]:
    """Float32 `[n, dim]` of what a tower of a transformers model returned.

    Args:
        output: of `get_image_features`, `get_audio_features` or `get_text_features`.
        family: what errors call the model.

    Raises:
        InvalidEmbedding: there is no pooled output in it.
    """
    pooled = getattr(output, "pooler_output", None)
    if pooled is None:
        raise InvalidEmbedding(f"a {family} tower returned {type(output).__name__}, nothing pooled")
    return np.asarray(pooled.float().cpu().numpy(), dtype=np.float32)
