"""What every photo encoder does, whatever model it runs."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from retrieval.encoders.base import Family
from retrieval.encoders.imagenet_tags import ImagenetTagsEncoder, read_class_names
from retrieval.encoders.open_clip_photos import OpenClipEncoder
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.encoders.photo_space import bound_shape, convert_to_rgb
from retrieval.encoders.siglip import SiglipEncoder
from retrieval.encoders.wordnet import find_meanings, read_class_definitions
from retrieval.errors import InvalidEmbedding, WeightsRefused
from retrieval.records import Modality
from tests import photo_checkpoints

FLOAT16_TOLERANCE = 2e-3
REVISION = "0123456789abcdef"

LOCAL = {
    "siglip": (photo_checkpoints.write_siglip, SiglipEncoder, Family.SIGLIP, "model"),
    "siglip2": (photo_checkpoints.write_siglip2, SiglipEncoder, Family.SIGLIP, "model"),
    "open-clip": (
        photo_checkpoints.write_open_clip,
        OpenClipEncoder,
        Family.OPEN_CLIP,
        "open_clip_model",
    ),
}


def open_local(name, folder, dim=photo_checkpoints.DIM):
    _, encoder, family, _ = LOCAL[name]
    spec = next(spec for spec in PHOTO_CATALOG if spec.family is family)
    return encoder(folder, replace(spec, dim=dim), REVISION, "cpu", torch.float32)


def draw_photo(seed, size=(90, 60)):
    noise = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(scope="module", params=["imagenet-tags", *LOCAL])
def encoder(request, tmp_path_factory):
    if request.param == "imagenet-tags":
        return ImagenetTagsEncoder()
    folder = tmp_path_factory.mktemp(request.param)
    LOCAL[request.param][0](folder)
    return open_local(request.param, folder)


@pytest.fixture(params=list(LOCAL))
def checkpoint(request, tmp_path):
    LOCAL[request.param][0](tmp_path)
    return request.param, tmp_path, tmp_path / f"{LOCAL[request.param][3]}.safetensors"


def test_photo_vectors_are_float16_of_unit_length(encoder):
    vectors = encoder.encode_photos([draw_photo(0), draw_photo(1), draw_photo(2)])
    assert vectors.dtype == np.float16
    assert vectors.shape == (3, encoder.spec.dim)
    norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
    np.testing.assert_allclose(norms, 1.0, atol=FLOAT16_TOLERANCE)


def test_no_photos_give_no_vectors(encoder):
    assert encoder.encode_photos([]).shape == (0, encoder.spec.dim)


def test_a_photos_vector_does_not_depend_on_its_neighbours(encoder):
    photos = [draw_photo(0), draw_photo(1, (30, 300)), draw_photo(2, (64, 64))]
    together = encoder.encode_photos(photos)
    alone = np.concatenate([encoder.encode_photos([photo]) for photo in photos])
    np.testing.assert_allclose(
        together.astype(np.float32), alone.astype(np.float32), atol=FLOAT16_TOLERANCE
    )


def test_a_photo_looks_most_like_itself(encoder):
    vectors = encoder.encode_photos([draw_photo(seed) for seed in range(4)])
    query = encoder.look_like(vectors[2])
    assert query.dtype == np.float32
    assert query.shape == (encoder.spec.dim,)
    scores = vectors.astype(np.float32) @ query
    assert int(np.argmax(scores)) == 2
    assert scores[2] == pytest.approx(1.0, abs=5e-3)


def test_a_text_scores_between_minus_one_and_one(encoder):
    query = encoder.encode_text("a zebra")
    assert query.dtype == np.float32
    assert query.shape == (encoder.spec.dim,)
    scores = encoder.encode_photos([draw_photo(0), draw_photo(1)]).astype(np.float32) @ query
    assert np.all(np.abs(scores) <= 1.0 + 5e-3)


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_a_text_without_a_word_has_no_vector(encoder, text):
    assert encoder.encode_text(text) is None


def test_its_key_names_the_model(encoder):
    assert encoder.key.startswith(f"{encoder.spec.id}@")
    assert encoder.key == encoder.key


def test_its_clear_score_can_be_reached(encoder):
    assert 0.0 < encoder.clear_score < 1.0


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_it_takes_every_kind_of_picture(encoder, mode):
    photo = (
        Image.fromarray(np.arange(5400, dtype=np.uint16).reshape(60, 90))
        if mode == "I;16"
        else draw_photo(0).convert("L").convert("F")
        if mode == "F"
        else draw_photo(0).convert(mode)
    )
    assert encoder.encode_photos([photo]).shape == (1, encoder.spec.dim)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (30_000, 1), (1, 30_000), (3000, 40)])
def test_it_takes_every_shape(encoder, size):
    assert encoder.encode_photos([Image.new("RGB", size, "teal")]).shape[0] == 1


def test_a_missing_weight_is_refused_by_name(checkpoint):
    name, folder, weights = checkpoint
    dropped = photo_checkpoints.drop_weight(weights, "bias")
    with pytest.raises(WeightsRefused, match=dropped.replace(".", r"\.")):
        open_local(name, folder)


def test_a_folder_without_weights_is_refused(checkpoint):
    name, folder, weights = checkpoint
    weights.unlink()
    with pytest.raises(WeightsRefused):
        open_local(name, folder)


def test_nan_is_refused(checkpoint):
    name, folder, weights = checkpoint
    photo_checkpoints.spoil_weights(weights, "patch_embedding" if "siglip" in name else "conv1")
    with pytest.raises(InvalidEmbedding):
        open_local(name, folder).encode_photos([draw_photo(0)])


def test_another_vector_length_than_the_catalogs_is_refused(checkpoint):
    name, folder, _ = checkpoint
    with pytest.raises(InvalidEmbedding, match="33"):
        open_local(name, folder, dim=33).encode_photos([draw_photo(0)])


def test_siglip_is_clear_where_its_own_probability_is_one_half(tmp_path):
    photo_checkpoints.write_siglip(tmp_path)
    cosine = open_local("siglip", tmp_path).clear_score
    assert 1 / (1 + math.exp(-(math.exp(4.7) * cosine - 13.0))) == pytest.approx(0.5, abs=1e-3)


def test_siglip_reads_texts_in_lower_case(tmp_path):
    photo_checkpoints.write_siglip(tmp_path)
    encoder = open_local("siglip", tmp_path)
    np.testing.assert_array_equal(encoder.encode_text("A Cat"), encoder.encode_text("a cat"))


def test_class_names_and_definitions_stand_in_the_same_order():
    names, definitions = read_class_names(), read_class_definitions()
    assert len(names) == len(definitions) == 1000
    assert names[340] == "zebra"
    assert "striped" in definitions[340]


def test_the_longest_name_is_looked_up():
    meanings = find_meanings("The fire trucks of an orca")
    assert [word[0].split(":")[0] for word in meanings] == [
        "fire engine, fire truck",
        "killer whale, killer, orca, grampus, sea wolf, Orcinus orca",
    ]


@pytest.fixture(scope="module")
def tags():
    return ImagenetTagsEncoder()


def test_imagenet_tags_tells_drawn_things_apart(tags):
    """The classifier itself, its class order and the texts are right, or these mix up."""
    light = Image.new("RGB", (120, 260), "white")
    pen = ImageDraw.Draw(light)
    pen.rectangle((25, 10, 95, 250), fill="#222222")
    for top, colour in ((25, "red"), (100, "gold"), (175, "limegreen")):
        pen.ellipse((30, top, 90, top + 60), fill=colour)
    board = Image.new("RGB", (240, 240), "white")
    pen = ImageDraw.Draw(board)
    for row in range(12):
        for column in range(12):
            if (row + column) % 2:
                pen.rectangle((column * 20, row * 20, column * 20 + 19, row * 20 + 19), "black")
    vectors = tags.encode_photos([light, board]).astype(np.float32)
    texts = ["a traffic light", "a crossword puzzle"]
    scores = np.stack([tags.encode_text(text) for text in texts]) @ vectors.T
    np.testing.assert_array_equal(scores.argmax(axis=1), [0, 1])


def test_imagenet_tags_query_parts_do_not_touch_each_other(tags):
    vector = tags.encode_photos([draw_photo(0)])[0]
    assert not np.any(tags.encode_text("a dog")[1000:])
    assert not np.any(tags.look_like(vector)[:1000])
    assert np.linalg.norm(tags.encode_text("a dog")) == pytest.approx(math.sqrt(2), abs=1e-5)


def test_transparent_pixels_become_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert convert_to_rgb(clear).getpixel((0, 0)) == (255, 255, 255)


def test_a_very_long_photo_is_cut_and_a_tiny_one_enlarged():
    assert bound_shape(Image.new("RGB", (3000, 40))).size == (800, 40)
    assert bound_shape(Image.new("RGB", (1, 1))).size == (8, 8)


def test_the_catalog_describes_photo_encoders():
    ids = [spec.id for spec in PHOTO_CATALOG]
    assert len(set(ids)) == len(ids)
    for spec in PHOTO_CATALOG:
        assert spec.modality is Modality.PHOTOS
        assert spec.vectors_per_page == 1
        assert spec.note
