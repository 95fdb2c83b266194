"""What may be opened: refused by name, with one that can stand in its place."""

import pytest

from retrieval.admission import admit_model, find_nearest
from retrieval.answering.catalog import ANSWER_CATALOG
from retrieval.answering.opening import AnswerOptions, open_answerer
from retrieval.encoders.catalog import PAGE_CATALOG, find_spec
from retrieval.encoders.opening import EncoderOptions, open_encoder, open_photo_encoder
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.encoders.sound_catalog import SOUND_CATALOG
from retrieval.errors import HubUnreachable, LicenceRefused, ModelNotOpenable, PagelensError
from retrieval.rerankers.catalog import RERANKER_CATALOG, find_reranker
from retrieval.rerankers.opening import open_reranker
from retrieval.text_encoders.catalog import TEXT_CATALOG, find_text_spec
from tests.answer_checkpoints import write_answerer

CATALOGS = [
    PAGE_CATALOG,
    PHOTO_CATALOG,
    SOUND_CATALOG,
    TEXT_CATALOG,
    RERANKER_CATALOG,
    ANSWER_CATALOG,
]
EVERY = [(spec, catalog) for catalog in CATALOGS for spec in catalog]
FOR_SALE = EncoderOptions(device="cpu", dtype="float32", commercial=True)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Who goes past the gate ends at the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.parametrize(
    ("spec", "catalog"),
    [pair for pair in EVERY if not pair[0].commercial_use],
    ids=lambda part: getattr(part, "id", ""),
)
def test_a_model_that_is_not_for_commercial_use_is_refused_by_name(spec, catalog):
    with pytest.raises(LicenceRefused) as refused:
        admit_model(spec.id, spec, catalog, commercial=True)
    said = str(refused.value)
    assert said.startswith(f"{spec.id} is not for commercial use ({spec.licence}), and PAGELENS_")
    offered = find_nearest(spec, catalog, commercial=True)
    assert said.endswith(f"; the nearest that can be used is {offered.id} ({offered.licence})")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("spec", "catalog"),
    [pair for pair in EVERY if pair[0].commercial_use and not pair[0].obstacle],
    ids=lambda part: getattr(part, "id", ""),
)
def test_a_model_for_commercial_use_is_let_through(spec, catalog):
    admit_model(spec.id, spec, catalog, commercial=True)
    admit_model(spec.id, spec, catalog, commercial=False)


@pytest.mark.parametrize(
    ("spec", "catalog"),
    [pair for pair in EVERY if pair[0].obstacle],
    ids=lambda part: getattr(part, "id", ""),
)
def test_what_stands_in_the_way_is_said_before_anything_is_fetched(spec, catalog):
    with pytest.raises(ModelNotOpenable) as refused:
        admit_model(spec.id, spec, catalog, commercial=False)
    assert str(refused.value).startswith(f"{spec.id} cannot be opened: {spec.obstacle}")


def test_what_is_offered_can_be_used_and_makes_as_much():
    for spec, catalog in EVERY:
        if spec.commercial_use and not spec.obstacle:
            continue
        offered = find_nearest(spec, catalog, commercial=True)
        if catalog is SOUND_CATALOG:
            assert offered is None
            continue
        assert offered.id != spec.id
        assert offered.commercial_use and not offered.obstacle and not offered.is_hosted
        assert offered.makes >= spec.makes


@pytest.mark.parametrize(
    ("spec", "catalog", "nearest"),
    [
        # As many languages, and nearest in size.
        (find_text_spec("jinaai/jina-embeddings-v3"), TEXT_CATALOG, "BAAI/bge-m3"),
        (find_text_spec("jinaai/jina-colbert-v2"), TEXT_CATALOG, "BAAI/bge-m3"),
        (find_text_spec("nvidia/NV-Embed-v2"), TEXT_CATALOG, "intfloat/e5-mistral-7b-instruct"),
        (
            find_text_spec("naver/splade-v3"),
            TEXT_CATALOG,
            "opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill",
        ),
        (find_spec("vidore/colqwen2.5-v0.2"), PAGE_CATALOG, "vidore/colpali-v1.3"),
        (
            find_reranker("jinaai/jina-reranker-v2-base-multilingual"),
            RERANKER_CATALOG,
            "mixedbread-ai/mxbai-rerank-base-v2",
        ),
        # Of a checkpoint nothing is known: what comes with Pagelens.
        (None, TEXT_CATALOG, "minilm-dense"),
        (None, PAGE_CATALOG, "minilm-layout"),
        (None, PHOTO_CATALOG, "imagenet-tags"),
        (None, RERANKER_CATALOG, "minilm-reranker"),
    ],
)
def test_the_nearest_reads_as_many_languages_and_is_about_as_large(spec, catalog, nearest):
    assert find_nearest(spec, catalog, commercial=True).id == nearest


@pytest.mark.parametrize(
    ("open_model", "name"),
    [
        (open_encoder, "vidore/colqwen2.5-v0.2"),
        (open_encoder, "vidore/colqwen2.5-v0.2@0123abc"),
        (open_photo_encoder, "jinaai/jina-clip-v2"),
        (open_reranker, "jinaai/jina-reranker-v2-base-multilingual"),
    ],
)
def test_every_way_to_open_a_model_asks_for_its_licence(open_model, name):
    with pytest.raises(LicenceRefused, match=f"^{name} is not for commercial use"):
        open_model(name, FOR_SALE)
    # Without the setting it is opened, or at least looked for.
    with pytest.raises((HubUnreachable, ModelNotOpenable)):
        open_model(name, EncoderOptions(device="cpu"))


@pytest.mark.parametrize("open_model", [open_encoder, open_photo_encoder, open_reranker])
@pytest.mark.parametrize("name", ["someone/a-model-of-their-own", "folder"])
def test_a_checkpoint_whose_licence_is_not_known_is_refused(open_model, name, tmp_path):
    name = str(tmp_path) if name == "folder" else name
    with pytest.raises(LicenceRefused, match=f"^the licence of {name} is not known.* is [a-z]+-"):
        open_model(name, FOR_SALE)


def open_answers(placing=FOR_SALE, **options):
    return open_answerer(AnswerOptions(**options), placing, lambda: None)


def test_models_that_write_answers_are_refused_where_they_are_known(tmp_path):
    known = "Qwen/Qwen2.5-VL-3B-Instruct"
    with pytest.raises(LicenceRefused, match=r"the nearest .* Qwen/Qwen2-VL-2B-Instruct"):
        open_answers(model=known)
    with pytest.raises(LicenceRefused, match="Qwen research licence"):
        open_answers(model=known, url="http://127.0.0.1:9/v1")
    # What an endpoint calls by a name of its own has terms of its own.
    open_answers(model="house-model", url="http://127.0.0.1:9/v1")
    folder = str(write_answerer(tmp_path / "answerer"))
    with pytest.raises(LicenceRefused, match="is not known"):
        open_answers(model=folder)
    open_answers(EncoderOptions(device="cpu", dtype="float32"), model=folder)


def test_the_remedies_name_what_to_do():
    assert "PAGELENS_COMMERCIAL" in LicenceRefused.remedy
    assert "pagelens models" in ModelNotOpenable.remedy
    assert LicenceRefused.exit_code == ModelNotOpenable.exit_code == 5
    assert issubclass(LicenceRefused, PagelensError)
