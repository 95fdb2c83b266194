"""The ColPali family: places, masks, prompts and keys, on tiny untrained checkpoints."""

import shutil

import numpy as np
import pytest
import torch
import transformers
from peft import PeftModel
from PIL import Image
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder

from retrieval.encoders.base import Family
from retrieval.encoders.catalog import PAGE_CATALOG
from retrieval.encoders.hub import locate_checkpoint
from retrieval.encoders.opening import EncoderOptions, open_encoder, read_family
from retrieval.encoders.stream import encode_pages
from retrieval.errors import InvalidEmbedding, WeightsRefused
from retrieval.maxsim import score_maxsim
from retrieval.records import Page, TextSource
from tests.checkpoints import ADAPTERS, FAMILIES, MODEL_CLASSES

SIZES_PX = {"upright": (300, 400), "square": (400, 400), "wide": (800, 200)}
GREY = 128
QUESTION = "What is the total revenue of the harbour?"
HEADS = {"colidefics3": "linear", "native-colqwen2": "embedding_proj_layer"}

# Adding up in another order, in float32.
FLOAT32_TOLERANCE = 1e-4
FLOAT16_TOLERANCE = 2e-3


def picture_page(picture: Image.Image) -> Page:
    return Page("0" * 64, 0, (), TextSource.NONE, picture)


def noise(size_px=(300, 400), seed=0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size_px[1], size_px[0], 3))
    return Image.fromarray(pixels.astype(np.uint8))


def copy_changed(folder, target, change):
    """A copy of a checkpoint whose weights went through `change`."""
    shutil.copytree(folder, target)
    (weights,) = target.glob("*.safetensors")
    tensors = load_file(weights)
    save_file(change(tensors), weights, metadata={"format": "pt"})
    return target


@pytest.mark.parametrize("size_px", SIZES_PX.values(), ids=SIZES_PX)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_changed_patch_changes_the_vector_whose_box_covers_it_most(open_tiny, family, size_px):
    encoder = open_tiny(family)
    grey = np.full((size_px[1], size_px[0], 3), GREY, dtype=np.uint8)
    (before,) = encode_pages(encoder, [picture_page(Image.fromarray(grey))])
    placed = np.flatnonzero(~np.isnan(before.boxes[:, 0]))
    areas = np.prod(before.boxes[placed, 2:] - before.boxes[placed, :2], axis=1)
    # Idefics3 sees the page twice: in tiles, and whole with larger boxes.
    layers = [placed[np.isclose(areas, area)] for area in np.unique(areas.round(6))]
    rng = np.random.default_rng(1)
    hits = tried = 0
    for layer in layers:
        for vector in rng.choice(layer, min(8, len(layer)), replace=False):
            x0, y0, x1, y1 = before.boxes[vector] * np.tile(size_px, 2)
            inset_x, inset_y = (x1 - x0) * 0.2, (y1 - y0) * 0.2
            changed = grey.copy()
            changed[
                round(y0 + inset_y) : max(round(y1 - inset_y), round(y0 + inset_y) + 1),
                round(x0 + inset_x) : max(round(x1 - inset_x), round(x0 + inset_x) + 1),
            ] = (255, 0, 0)
            (after,) = encode_pages(encoder, [picture_page(Image.fromarray(changed))])
            moved = np.linalg.norm(
                after.vectors.astype(np.float32) - before.vectors.astype(np.float32), axis=1
            )
            hits += layer[int(moved[layer].argmax())] == vector
            tried += 1
    assert hits >= 0.9 * tried


@pytest.mark.parametrize("family", FAMILIES)
def test_a_grid_is_in_row_major_order_and_covers_the_page(open_tiny, family):
    (page,) = encode_pages(open_tiny(family), [picture_page(noise((300, 400)))])
    boxes = page.boxes[~np.isnan(page.boxes[:, 0])]
    if page.grid is None:
        assert family == "colidefics3"
        return
    rows, columns = page.grid
    assert len(boxes) == rows * columns
    grid = boxes.reshape(rows, columns, 4)
    assert (np.diff(grid[:, :, 1], axis=0) > 0).all()
    assert (np.diff(grid[:, :, 0], axis=1) > 0).all()
    areas = (grid[..., 2] - grid[..., 0]) * (grid[..., 3] - grid[..., 1])
    assert areas.sum() == pytest.approx(1.0, abs=1e-5)


def test_idefics3_sees_tiles_and_the_whole_page(open_tiny):
    (page,) = encode_pages(open_tiny("colidefics3"), [picture_page(noise((300, 400)))])
    boxes = page.boxes[~np.isnan(page.boxes[:, 0])]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    # 4 x 3 tiles of 16 vectors, each covering the page once; then 16 for the page as a whole.
    assert len(boxes) == 13 * 16
    assert areas[: 12 * 16].sum() == pytest.approx(1.0, abs=1e-4)
    assert areas[12 * 16 :].sum() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("family", MODEL_CLASSES)
def test_vectors_are_those_of_colpali_engine(open_tiny, tiny_checkpoint, family):
    model_class, processor_class = MODEL_CLASSES[family]
    folder = tiny_checkpoint(family)
    model, processor = model_class.from_pretrained(folder), processor_class.from_pretrained(folder)
    picture = noise()
    inputs = processor.process_images([picture])
    inputs.pop("labels", None)
    with torch.inference_mode():
        expected_page = model.eval()(**inputs)[0].numpy()
        expected_query = model(**processor.process_queries([QUESTION]))[0].numpy()
    encoder = open_tiny(family)
    (page,) = encode_pages(encoder, [picture_page(picture)])
    query = encoder.encode_query(QUESTION)
    np.testing.assert_allclose(page.vectors, expected_page, atol=FLOAT16_TOLERANCE)
    np.testing.assert_allclose(query.vectors, expected_query, atol=FLOAT32_TOLERANCE)
    score = processor.score_multi_vector(
        [torch.from_numpy(expected_query)], [torch.from_numpy(expected_page)], device="cpu"
    )
    assert score_maxsim(query, page) == pytest.approx(float(score), abs=0.02)


@pytest.mark.parametrize("family", ["native-colqwen2", "native-colpali"])
def test_both_libraries_score_a_native_checkpoint_alike(open_tiny, tiny_checkpoint, family):
    folder = tiny_checkpoint(family)
    config = transformers.AutoConfig.from_pretrained(folder)
    model_class = getattr(transformers, config.architectures[0])
    model = model_class.from_pretrained(folder).eval()
    processor = transformers.AutoProcessor.from_pretrained(folder)
    picture = noise()
    with torch.inference_mode():
        page = model(**processor.process_images([picture], return_tensors="pt")).embeddings
        query = model(**processor.process_queries([QUESTION], return_tensors="pt")).embeddings
    by_transformers = float(processor.score_retrieval(query, page))
    sentence = MultiVectorEncoder(str(folder), device="cpu", local_files_only=True)
    by_sentence_transformers = float(
        sentence.similarity(sentence.encode_query([QUESTION]), sentence.encode_document([picture]))
    )
    encoder = open_tiny(family)
    (embedding,) = encode_pages(encoder, [picture_page(picture)])
    ours = score_maxsim(encoder.encode_query(QUESTION), embedding)
    assert ours == pytest.approx(by_transformers, abs=0.02)
    assert ours == pytest.approx(by_sentence_transformers, abs=0.02)


def test_the_same_weights_give_the_same_page_in_both_formats(open_tiny, tiny_checkpoint, tmp_path):
    """A native checkpoint holds the same numbers under other names."""
    engine = load_file(tiny_checkpoint("colqwen2") / "model.safetensors")

    def rename(native):
        renamed = {}
        for name in native:
            stem = name.removeprefix("vlm.").removeprefix("model.")
            stem = stem.replace("embedding_proj_layer", "custom_text_proj")
            renamed[name] = engine[stem if stem in engine else name]
        return renamed

    folder = copy_changed(tiny_checkpoint("native-colqwen2"), tmp_path / "renamed", rename)
    picture = noise()
    (native,) = encode_pages(
        open_encoder(str(folder), EncoderOptions(dtype="float32")), [picture_page(picture)]
    )
    (ours,) = encode_pages(open_tiny("colqwen2"), [picture_page(picture)])
    np.testing.assert_allclose(native.vectors, ours.vectors, atol=FLOAT16_TOLERANCE)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_merged_into_its_base(open_tiny, tiny_checkpoint, name):
    family = name.partition("+")[0]
    model_class, processor_class = MODEL_CLASSES[family]
    merged = PeftModel.from_pretrained(
        model_class.from_pretrained(tiny_checkpoint(family)), tiny_checkpoint(name)
    ).merge_and_unload()
    processor = processor_class.from_pretrained(tiny_checkpoint(family))
    with torch.inference_mode():
        expected = merged.eval()(**processor.process_queries([QUESTION]))[0].numpy()
    adapted = open_tiny(name)
    np.testing.assert_allclose(
        adapted.encode_query(QUESTION).vectors, expected, atol=FLOAT32_TOLERANCE
    )
    base = open_tiny(family)
    assert np.abs(base.encode_query(QUESTION).vectors - expected).max() > 0.01
    # Both revisions stand in the key.
    assert base.key.split("/")[0] in adapted.key
    assert adapted.key != base.key


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_without_its_projection_is_refused(tiny_checkpoint, tmp_path, family):
    head = HEADS.get(family, "proj")
    folder = copy_changed(
        tiny_checkpoint(family),
        tmp_path / family,
        lambda tensors: {k: v for k, v in tensors.items() if head not in k or "vis" in k},
    )
    with pytest.raises(WeightsRefused, match=rf"{family} lacks .*{head}"):
        open_encoder(str(folder))


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_that_belong_to_no_part_of_the_model_are_refused(tiny_checkpoint, tmp_path, family):
    folder = copy_changed(
        tiny_checkpoint(family),
        tmp_path / family,
        lambda tensors: {**tensors, "other_head.weight": torch.zeros(3)},
    )
    with pytest.raises(WeightsRefused, match=r"unexpected 1 weight: other_head\.weight"):
        open_encoder(str(folder))


def test_a_head_that_predicts_words_is_not_held_against_a_checkpoint(tiny_checkpoint, tmp_path):
    folder = copy_changed(
        tiny_checkpoint("colqwen2"),
        tmp_path / "with-head",
        lambda tensors: {**tensors, "lm_head.weight": torch.zeros(3, 32)},
    )
    assert open_encoder(str(folder)).encode_query(QUESTION).vectors.any()


@pytest.mark.parametrize("name", ADAPTERS)
def test_half_an_adapter_is_refused(tiny_checkpoint, tmp_path, name):
    folder = copy_changed(
        tiny_checkpoint(name),
        tmp_path / "half",
        lambda tensors: {k: v for k, v in tensors.items() if "lora_B" not in k},
    )
    with pytest.raises(WeightsRefused, match=r"half lacks .*lora_B"):
        open_encoder(str(folder))


def test_an_adapter_on_a_base_without_a_projection_is_refused(tiny_checkpoint, tmp_path):
    """transformers reports the adapter's keys alone, so this would answer at random."""
    base = copy_changed(
        tiny_checkpoint("colqwen2"),
        tmp_path / "base",
        lambda tensors: {k: v for k, v in tensors.items() if "custom_text_proj" not in k},
    )
    adapter = tmp_path / "adapter"
    shutil.copytree(tiny_checkpoint("colqwen2+adapter"), adapter)
    config = adapter / "adapter_config.json"
    config.write_text(config.read_text().replace(str(tiny_checkpoint("colqwen2")), str(base)))
    with pytest.raises(WeightsRefused, match=r"base lacks 2 weights: custom_text_proj"):
        open_encoder(str(adapter))


@pytest.mark.parametrize("family", FAMILIES)
def test_not_a_number_is_refused(tiny_checkpoint, tmp_path, family):
    head = HEADS.get(family, "proj")

    def spoil(tensors):
        for name, tensor in tensors.items():
            if head in name and "vis" not in name and name.endswith("bias"):
                tensor[0] = torch.nan
        return tensors

    encoder = open_encoder(str(copy_changed(tiny_checkpoint(family), tmp_path / family, spoil)))
    with pytest.raises(InvalidEmbedding, match="NaN"):
        encode_pages(encoder, [picture_page(noise())])
    with pytest.raises(InvalidEmbedding, match="NaN"):
        encoder.encode_query(QUESTION)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_prompts_are_those_of_the_catalog(open_tiny, tiny_checkpoint, family):
    """A wrong prompt costs points silently, so what the model reads is compared as text."""
    encoder = open_tiny(family)
    spec = next(spec for spec in PAGE_CATALOG if spec.family == encoder.spec.family)
    model = encoder._model
    query = model.process_query(model.processor, QUESTION)["input_ids"][0]
    assert model.tokenizer.decode(query) == spec.query_prompt.format(QUESTION)
    page = model.process_page(model.processor, noise())["input_ids"][0]
    text = model.tokenizer.decode(page[page != model.image_token_id])
    for part in spec.document_prompt.replace("<|image_pad|>", "<image>").split("<image>"):
        assert part in text


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_words_of_the_question_point_at_places(open_tiny, family):
    query = open_tiny(family).encode_query(QUESTION)
    pointing = {
        word for word, shows in zip(query.tokens, query.shows_evidence, strict=True) if shows
    }
    assert pointing == {"total", "revenue", "harbour"}
    # The prompt's own tokens count in the score all the same.
    assert len(query.tokens) > sum(query.shows_evidence)


def test_a_checkpoint_keeps_its_key_wherever_it_lies_and_another_has_another(
    tiny_checkpoint, tmp_path
):
    original = tiny_checkpoint("colqwen2")
    shutil.copytree(original, tmp_path / "moved" / original.name)
    assert (
        open_encoder(str(original)).key == open_encoder(str(tmp_path / "moved" / original.name)).key
    )
    other = copy_changed(
        original,
        tmp_path / "changed" / original.name,
        lambda tensors: {k: v + 0.001 for k, v in tensors.items()},
    )
    assert open_encoder(str(other)).key != open_encoder(str(original)).key


@pytest.mark.parametrize("family", FAMILIES)
def test_the_family_is_read_from_the_config(tiny_checkpoint, family):
    expected = {
        "native-colqwen2": "transformers-colqwen2",
        "native-colpali": "transformers-colpali",
    }
    found = read_family(locate_checkpoint(str(tiny_checkpoint(family))))
    assert found == Family(expected.get(family, family))


def test_sentence_transformers_never_gets_a_checkpoint_of_colpali_engine(open_tiny):
    """It would load one without a word, under a projection of its own making."""
    assert "colpali-engine" in open_tiny("colqwen2").key
    assert "sentence-transformers" in open_tiny("native-colqwen2").key


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_attention_kernel_does_not_change_a_page(tiny_checkpoint, open_tiny, attention):
    encoder = open_encoder(
        str(tiny_checkpoint("colqwen2")), EncoderOptions(attention=attention, dtype="float32")
    )
    (page,) = encode_pages(encoder, [picture_page(noise())])
    (expected,) = encode_pages(open_tiny("colqwen2"), [picture_page(noise())])
    np.testing.assert_allclose(page.vectors, expected.vectors, atol=FLOAT16_TOLERANCE)


def test_bfloat16_only_rounds(tiny_checkpoint, open_tiny):
    encoder = open_encoder(str(tiny_checkpoint("colpali")), EncoderOptions(dtype="bfloat16"))
    assert encoder.key == open_tiny("colpali").key
    (page,) = encode_pages(encoder, [picture_page(noise())])
    (expected,) = encode_pages(open_tiny("colpali"), [picture_page(noise())])
    cosines = (page.vectors.astype(np.float32) * expected.vectors.astype(np.float32)).sum(axis=1)
    assert cosines.min() > 0.99
