"""Opening encoders of text: what they give is what their libraries give, and what is not opened."""

import json
import shutil
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer, SparseEncoder
from transformers import AutoModel, AutoTokenizer

from retrieval.encoders.hub import Checkpoint, choose_patterns
from retrieval.encoders.minilm_layout import locate_weights
from retrieval.encoders.opening import EncoderOptions, open_encoder
from retrieval.encoders.stream import encode_pages
from retrieval.errors import DimensionRefused, HubUnreachable, UnknownEncoder, WeightsRefused
from retrieval.matryoshka import choose_dim, cut_vectors
from retrieval.text_encoders.base import TextFamily
from retrieval.text_encoders.catalog import find_text_spec
from retrieval.text_encoders.description import check_family
from retrieval.text_encoders.opening import open_text_encoder
from tests import reranker_checkpoints, text_checkpoints
from tests.documents import build_page
from tests.text_checkpoints import DIM, E5_PROMPTS, TRAINED_DIMS

ON_CPU = EncoderOptions(device="cpu", dtype="float32")
FLOAT32_TOLERANCE = 1e-4

# Eight bits a number against thirty-two.
INT8_COSINE = 0.98

# Short enough to be one passage of every tiny checkpoint.
QUESTION = "Who collects the mooring fees?"
PASSAGE = "The harbour master collects them on the first of May."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Writes a tiny checkpoint once, and names its folder."""
    root = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda kind: getattr(text_checkpoints, f"write_{kind}")(root / kind))


@pytest.fixture
def copy_tiny(tiny, tmp_path):
    """A copy of a tiny checkpoint, to be spoilt."""
    return lambda kind: shutil.copytree(tiny(kind), tmp_path / kind)


def open_folder(folder, dim=None):
    return open_text_encoder(str(folder) if dim is None else f"{folder}:{dim}", ON_CPU)


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("kind", ["dense", "last_token", "bert"])
def test_dense_vectors_are_those_of_sentence_transformers(tiny, kind):
    encoder = open_folder(tiny(kind))
    reference = SentenceTransformer(str(tiny(kind)), device="cpu")
    asked = {"dense": E5_PROMPTS["query"], "last_token": text_checkpoints.INSTRUCTION, "bert": ""}
    read = {"dense": E5_PROMPTS["passage"], "last_token": "", "bert": ""}
    for embedding, text in (
        (encoder.encode_query(QUESTION), asked[kind] + QUESTION),
        (encoder.encode_pages([PASSAGE])[0], read[kind] + PASSAGE),
    ):
        expected = reference.encode([text], prompt="", normalize_embeddings=True)
        np.testing.assert_allclose(embedding.dense, expected, atol=FLOAT32_TOLERANCE)


@pytest.mark.parametrize("kind", ["colbert", "multi_vector"])
def test_token_vectors_are_those_of_sentence_transformers(tiny, kind):
    encoder = open_folder(tiny(kind))
    reference = MultiVectorEncoder(str(tiny(kind)), device="cpu")
    for tokens, expected in (
        (encoder.encode_query(QUESTION).tokens, reference.encode_query([QUESTION])[0]),
        (encoder.encode_pages([PASSAGE])[0].tokens, reference.encode_document([PASSAGE])[0]),
    ):
        np.testing.assert_allclose(tokens, expected.numpy(), atol=FLOAT32_TOLERANCE)


def test_a_colbert_is_bert_and_its_linear_layer(tiny):
    """Against transformers alone: marker behind CLS, masks that are not attended to, no dots."""
    folder = tiny("colbert")
    weights = load_file(folder / "model.safetensors")
    bert = AutoModel.from_pretrained(tiny("bert"))
    own = {name[5:]: value for name, value in weights.items() if name.startswith("bert.")}
    bert.load_state_dict(own)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    to_id = tokenizer.convert_tokens_to_ids

    def run(marker, text, n_masks):
        body = tokenizer(f" {text}", add_special_tokens=False)["input_ids"]
        ids = [to_id("[CLS]"), to_id(marker), *body, to_id("[SEP]")]
        mask = [1] * len(ids) + [0] * n_masks
        ids = torch.tensor([ids + [to_id("[MASK]")] * n_masks])
        with torch.inference_mode():
            hidden = bert.eval()(ids, attention_mask=torch.tensor([mask])).last_hidden_state
        return ids[0], torch.nn.functional.normalize(hidden @ weights["linear.weight"].T, dim=-1)[0]

    n_tokens = len(tokenizer(f" {QUESTION}")["input_ids"]) + 1
    _, question = run("[unused0]", QUESTION, text_checkpoints.COLBERT_QUESTION - n_tokens)
    ids, passage = run("[unused1]", PASSAGE, 0)
    passage = passage[ids != to_id(".")]
    encoder = open_folder(folder)
    for tokens, expected in (
        (encoder.encode_query(QUESTION).tokens, question),
        (encoder.encode_pages([PASSAGE])[0].tokens, passage),
    ):
        np.testing.assert_allclose(tokens, expected.numpy(), atol=FLOAT32_TOLERANCE)


def test_terms_are_those_of_sentence_transformers(tiny):
    encoder = open_folder(tiny("splade"))
    reference = SparseEncoder(str(tiny("splade")), device="cpu")
    for embedding, expected in (
        (encoder.encode_query(QUESTION), reference.encode_query([QUESTION])),
        (encoder.encode_pages([PASSAGE])[0], reference.encode_document([PASSAGE])),
    ):
        weights = np.zeros(encoder.spec.dim, dtype=np.float32)
        weights[list(embedding.terms.indices)] = embedding.terms.values
        np.testing.assert_allclose(weights, expected.to_dense()[0].numpy(), atol=FLOAT32_TOLERANCE)


def test_the_three_outputs_of_bge_m3_are_those_of_its_paper(tiny):
    """Against transformers alone; `a` stands twice in the text, and has the greater weight."""
    folder = tiny("bge_m3")
    heads = {
        name: torch.load(folder / f"{name}_linear.pt", weights_only=True)
        for name in ("sparse", "colbert")
    }
    inputs = AutoTokenizer.from_pretrained(folder)(PASSAGE, return_tensors="pt")
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[0]
    apply = {name: hidden @ head["weight"].T + head["bias"] for name, head in heads.items()}
    (page,) = open_folder(folder).encode_pages([PASSAGE])
    normalise = torch.nn.functional.normalize
    np.testing.assert_allclose(
        page.dense, normalise(hidden[:1], dim=-1).numpy(), atol=FLOAT32_TOLERANCE
    )
    np.testing.assert_allclose(
        page.tokens, normalise(apply["colbert"][1:], dim=-1).numpy(), atol=FLOAT32_TOLERANCE
    )
    weights = apply["sparse"].relu()[:, 0].tolist()
    expected = {}
    for token_id, weight in list(zip(inputs["input_ids"][0].tolist(), weights, strict=True))[1:-1]:
        if weight > 0:
            expected[token_id] = max(weight, expected.get(token_id, 0.0))
    assert len(expected) < len(weights) - 2
    found = dict(zip(page.terms.indices, page.terms.values, strict=True))
    assert found == pytest.approx(expected, abs=FLOAT32_TOLERANCE)


def test_the_embedded_encoder_is_close_to_its_float32_original():
    encoder = open_text_encoder("minilm-dense")
    reference = SentenceTransformer(str(locate_weights()), device="cpu")
    texts = [QUESTION, PASSAGE, "Invoice 4711: anchor chain, 340.50 EUR", "日本語の書類"]
    vectors = np.concatenate([page.dense for page in encoder.encode_pages(texts)])
    expected = reference.encode(texts, normalize_embeddings=True)
    assert (vectors * expected).sum(axis=1).min() > INT8_COSINE


def test_a_folder_is_described_by_what_it_holds(tiny):
    spec = open_folder(tiny("dense")).spec
    assert spec.id == str(tiny("dense"))
    assert (spec.family, spec.dim) == (TextFamily.SENTENCE_TRANSFORMER, DIM)
    assert spec.matryoshka_dims == TRAINED_DIMS
    assert spec.context_tokens == text_checkpoints.CONTEXT_TOKENS
    assert spec.n_parameters > 10_000
    assert "model card" in spec.licence
    assert not spec.commercial_use


def test_a_prefix_that_was_trained_for_is_cut_and_of_unit_length_again(tiny):
    whole, cut = open_folder(tiny("dense")), open_folder(tiny("dense"), TRAINED_DIMS[1])
    assert (whole.dim, cut.dim) == (DIM, TRAINED_DIMS[1])
    for long, short in (
        (whole.encode_query(QUESTION), cut.encode_query(QUESTION)),
        (whole.encode_pages([PASSAGE])[0], cut.encode_pages([PASSAGE])[0]),
    ):
        prefix = long.dense[:, : TRAINED_DIMS[1]]
        expected = prefix / np.linalg.norm(prefix, axis=1, keepdims=True)
        np.testing.assert_allclose(short.dense, expected, atol=FLOAT32_TOLERANCE)
    assert cut.key == f"{whole.key}/dim-{TRAINED_DIMS[1]}"


def test_asking_for_the_whole_length_changes_nothing(tiny):
    assert open_folder(tiny("dense"), DIM).key == open_folder(tiny("dense")).key


def test_a_prefix_that_was_not_trained_for_is_refused_with_those_that_were(tiny):
    with pytest.raises(DimensionRefused, match="to 12 dimensions: it was trained for 8, 16 and 32"):
        open_folder(tiny("dense"), 12)
    with pytest.raises(DimensionRefused, match=r"minilm-dense cannot be cut to 256.*than its 384"):
        open_text_encoder("minilm-dense:256")
    with pytest.raises(DimensionRefused, match="is not known to be trained for fewer than its 32"):
        open_folder(tiny("bge_m3"), 16)


@pytest.mark.parametrize("dim", [0, -8, 64])
def test_no_vector_is_cut_to_nothing_or_made_longer(tiny, dim):
    with pytest.raises(DimensionRefused, match=f"to {dim} dimensions"):
        choose_dim(open_folder(tiny("dense")).spec, dim)


def test_page_encoders_are_cut_by_the_same_rule(tiny_checkpoint, tmp_path):
    with pytest.raises(DimensionRefused, match="minilm-layout cannot be cut to 64"):
        open_encoder("minilm-layout:64")
    folder = shutil.copytree(tiny_checkpoint("colqwen2"), tmp_path / "colqwen2")
    edit_json(folder / "config.json", matryoshka_dims=[64, 128])
    whole = open_encoder(str(folder), ON_CPU)
    cut = open_encoder(f"{folder}:64", EncoderOptions(device="cpu", dtype="float32"))
    assert cut.spec.dim == 64
    assert cut.key == f"{whole.key}/dim-64"
    page = build_page(PASSAGE)
    (long,), (short,) = encode_pages(whole, [page]), encode_pages(cut, [page])
    np.testing.assert_allclose(short.vectors, cut_vectors(long.vectors, 64), atol=2e-3)
    np.testing.assert_array_equal(short.boxes, long.boxes)
    query = whole.encode_query(QUESTION)
    short_query = cut.encode_query(QUESTION)
    np.testing.assert_allclose(short_query.vectors, cut_vectors(query.vectors, 64), atol=1e-5)
    assert short_query.tokens == query.tokens


def test_a_change_of_prompt_or_of_a_module_is_another_key(copy_tiny):
    folder = copy_tiny("dense")
    keys = [open_folder(folder).key]
    edit_json(folder / "config_sentence_transformers.json", prompts={"query": "search: "})
    keys.append(open_folder(folder).key)
    edit_json(folder / "1_Pooling" / "config.json", pooling_mode="cls")
    keys.append(open_folder(folder).key)
    assert len({key.partition("/")[0] for key in keys}) == 3
    assert "query='search: {}'" in keys[1]


@pytest.mark.parametrize("name", ["no-such-model", "./no/such/folder", "a/b/c"])
def test_an_unknown_name_is_answered_with_the_known_ones(name):
    with pytest.raises(UnknownEncoder, match=r"minilm-dense, .*BAAI/bge-m3"):
        open_text_encoder(name)


@pytest.mark.parametrize("name", ["BAAI/bge-m3", "someone/a-model-of-their-own"])
def test_a_hub_that_does_not_answer_is_said(monkeypatch, tmp_path, name):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(HubUnreachable, match=rf"{name} is not in the cache.*does not answer"):
        open_text_encoder(name)


def test_pickled_weights_are_fetched_only_where_there_are_no_others():
    both = ["config.json", "pytorch_model.bin", "1_Dense/model.safetensors"]
    assert "pytorch_model*.bin" in choose_patterns(both[:2], may_be_pickled=True)
    assert "pytorch_model*.bin" not in choose_patterns(both, may_be_pickled=True)
    assert "pytorch_model*.bin" not in choose_patterns(both[:2], may_be_pickled=False)


def test_a_checkpoint_in_the_cache_needs_no_hub(monkeypatch, tiny, tmp_path):
    """The cache as the hub's client lays it out."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = tmp_path / "models--someone--tiny-e5" / "snapshots" / commit
    shutil.copytree(tiny("dense"), folder)
    encoder = open_text_encoder(f"someone/tiny-e5@{commit}", ON_CPU)
    assert encoder.key.startswith("someone/tiny-e5@0123456789ab/sentence-transformers-")


def test_a_checkpoint_is_of_the_family_that_the_catalog_says(tiny, tmp_path):
    """Else sentence-transformers would make up what is not there."""
    entry = find_text_spec("naver/splade-v3")
    bare = text_checkpoints.write_masked_model(tmp_path / "masked")
    for folder in (bare, tiny("splade")):
        assert check_family(Checkpoint("a/b", folder, "main"), entry) == TextFamily.SPARSE
    with pytest.raises(WeightsRefused, match="a/b is of the family sentence-transformers, not"):
        check_family(Checkpoint("a/b", tiny("dense"), "main"), entry)


def test_pickled_weights_are_read_as_tensors(copy_tiny, tiny):
    folder = copy_tiny("bert")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    vectors = open_folder(folder).encode_query(QUESTION).dense
    expected = open_folder(tiny("bert")).encode_query(QUESTION).dense
    np.testing.assert_allclose(vectors, expected, atol=FLOAT32_TOLERANCE)


class Program:
    """Unpickled by Python alone, it would end the process."""

    def __reduce__(self):
        return exit, (3,)


@pytest.mark.parametrize(
    ("kind", "file"), [("bert", "pytorch_model.bin"), ("bge_m3", "sparse_linear.pt")]
)
def test_a_program_among_the_weights_is_not_run(copy_tiny, kind, file):
    folder = copy_tiny(kind)
    torch.save({"weight": Program()}, folder / file)
    if kind == "bert":
        (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsRefused, match=f"{kind} cannot be loaded"):
        open_folder(folder)


def test_code_in_a_checkpoint_is_not_run(copy_tiny):
    folder = copy_tiny("bert")
    edit_json(
        folder / "config.json", model_type="someones-own", auto_map={"AutoConfig": "code.Config"}
    )
    (folder / "code.py").write_text("raise SystemExit('their code ran')")
    with pytest.raises(WeightsRefused, match="bert cannot be loaded"):
        open_folder(folder)


@pytest.mark.parametrize("kind", ["dense", "colbert", "splade", "bge_m3"])
def test_a_checkpoint_that_lacks_a_weight_is_refused_by_its_name(copy_tiny, kind):
    folder = copy_tiny(kind)
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("layer.1.attention.self.query.weight"))
    del weights[name]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsRefused, match=r"lacks 1 weight: .*attention\.self\.query\.weight"):
        open_folder(folder)


def test_a_torn_weights_file_is_refused(copy_tiny):
    weights = copy_tiny("dense") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:20_000])
    with pytest.raises(WeightsRefused, match="dense cannot be loaded"):
        open_folder(weights.parent)


def test_a_damaged_description_is_refused(copy_tiny):
    folder = copy_tiny("dense")
    (folder / "modules.json").write_text("[{")
    with pytest.raises(WeightsRefused, match="dense cannot be loaded"):
        open_folder(folder)


def test_a_folder_that_is_no_encoder_of_text_is_refused_by_what_it_is(tiny_checkpoint, tmp_path):
    with pytest.raises(UnknownEncoder, match="holds no checkpoint"):
        open_folder(tmp_path)
    with pytest.raises(UnknownEncoder, match="is a ColQwen2, which reads pictures of pages"):
        open_folder(tiny_checkpoint("colqwen2"))
    reranker = reranker_checkpoints.write_classifier(tmp_path / "reranker")
    with pytest.raises(UnknownEncoder, match="is a BertForSequenceClassification; text is encoded"):
        open_folder(reranker)
    nothing = text_checkpoints.write_bert(tmp_path / "nothing")
    edit_json(nothing / "config.json", architectures=[])
    with pytest.raises(UnknownEncoder, match="is a model of unknown architecture"):
        open_folder(nothing)
