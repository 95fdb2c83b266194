"""What every reranker does, whatever model it runs."""

import json
import shutil
import time
from functools import cache

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from retrieval.encoders.opening import EncoderOptions
from retrieval.errors import HubUnreachable, UnknownEncoder, WeightsRefused
from retrieval.rerankers.catalog import RERANKER_CATALOG
from retrieval.rerankers.minilm_reranker import PASSAGE_TOKENS, locate_weights
from retrieval.rerankers.opening import choose_reranker, open_reranker
from tests import reranker_checkpoints

FLOAT32_TOLERANCE = 1e-4
PATIENCE_S = 10
ON_CPU = EncoderOptions(device="cpu", dtype="float32")

HARBOUR = "The harbour master collects mooring fees from every yacht on the first of May."
BAKERY = "Our bakery sells rye bread, plum cake and warm cinnamon rolls from six in the morning."
COMET = "A comet was observed at midnight through the telescope of the old observatory."
INVOICE = "Invoice 4711: twelve metres of anchor chain, 340.50 EUR, payable within 30 days."
PASSAGES = [HARBOUR, BAKERY, COMET, INVOICE]
QUESTION = "Who takes the money for berths of sailing boats?"

WRITERS = {
    "classifier": reranker_checkpoints.write_classifier,
    "verdict": reranker_checkpoints.write_verdict_model,
}

load_embedded = cache(lambda: open_reranker("minilm-reranker"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Writes a tiny checkpoint of a kind once, and names its folder."""
    root = tmp_path_factory.mktemp("rerankers")
    return cache(lambda kind: WRITERS[kind](root / kind))


@pytest.fixture(scope="module", params=["minilm-reranker", *WRITERS])
def reranker(request, tiny):
    """The embedded reranker, and a tiny checkpoint of each kind that the hub has."""
    if request.param == "minilm-reranker":
        return load_embedded()
    return open_reranker(str(tiny(request.param)), ON_CPU)


@pytest.fixture
def classifier(tiny, tmp_path):
    """A copy of the tiny classifier, to be spoilt."""
    return shutil.copytree(tiny("classifier"), tmp_path / "classifier")


def test_every_passage_gets_a_score(reranker):
    scores = reranker.score(QUESTION, PASSAGES)
    assert scores.dtype == np.float32
    assert scores.shape == (len(PASSAGES),)
    assert np.isfinite(scores).all()
    assert len(set(scores.tolist())) == len(PASSAGES)


def test_scores_are_logits_and_not_probabilities(reranker):
    scores = reranker.score(QUESTION, PASSAGES)
    assert scores.min() < 0.0 or scores.max() > 1.0


def test_no_passages_get_no_scores(reranker):
    scores = reranker.score(QUESTION, [])
    assert scores.dtype == np.float32
    assert scores.shape == (0,)


def test_a_score_does_not_depend_on_the_passages_beside_it(reranker):
    passages = [HARBOUR, f"{BAKERY} " * 20, "", COMET, "Comet", *PASSAGES * 5]
    together = reranker.score(QUESTION, passages)
    alone = [reranker.score(QUESTION, [passage])[0] for passage in passages]
    np.testing.assert_allclose(together, alone, atol=FLOAT32_TOLERANCE)


def test_scores_stand_in_the_order_of_the_passages(reranker):
    scores = reranker.score(QUESTION, PASSAGES)
    backward = reranker.score(QUESTION, PASSAGES[::-1])
    np.testing.assert_allclose(scores, backward[::-1], atol=FLOAT32_TOLERANCE)


def test_a_long_passage_is_cut_at_its_end(reranker):
    full = f"{BAKERY} " * 200
    scores = reranker.score(QUESTION, [full, full + HARBOUR, "Our bakery"])
    assert scores[0] == pytest.approx(scores[1], abs=FLOAT32_TOLERANCE)
    assert scores[0] != pytest.approx(scores[2], abs=FLOAT32_TOLERANCE)


def test_a_long_question_leaves_room_for_the_passages(reranker):
    scores = reranker.score(f"{QUESTION} " * 400, PASSAGES)
    assert np.isfinite(scores).all()
    assert len(set(scores.tolist())) == len(PASSAGES)


@pytest.mark.parametrize("text", ["", "?!", "Ёлка и чай", "日本語の書類", "🙂", "\u0000\u0007"])
def test_any_text_can_be_a_question_and_a_passage(reranker, text):
    scores = reranker.score(text, [text, HARBOUR])
    assert np.isfinite(scores).all()


def test_the_key_is_stable_and_names_model_and_weights(reranker):
    key = reranker.key
    reranker.score(QUESTION, PASSAGES)
    assert reranker.key == key
    assert reranker.spec.id.rpartition("/")[2] in key
    assert reranker.spec.revision in key


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (QUESTION, HARBOUR),
        ("Where can I buy pastries?", BAKERY),
        ("What did astronomers see at night?", COMET),
        ("What does the anchor chain cost?", INVOICE),
        ("When must the bill be paid?", INVOICE),
        ("At what time does the shop open?", BAKERY),
    ],
)
def test_the_embedded_reranker_puts_the_passage_that_answers_first(question, answer):
    scores = load_embedded().score(question, PASSAGES)
    assert PASSAGES[int(np.argmax(scores))] == answer


def test_the_embedded_reranker_tells_an_answer_from_a_text_of_the_same_words():
    scores = load_embedded().score(
        "How many people live in Berlin?",
        [
            "Berlin is well known for its museums, and many people live for them.",
            "Berlin had a population of 3,520,031 in 2019.",
        ],
    )
    assert scores[1] > scores[0] + 2.0


def test_the_embedded_reranker_sees_pairs_as_its_tokenizer_lays_them_out():
    """Against the tokenizer's own pairs, the passage alone cut, through the bare model."""
    import onnxruntime
    from tokenizers import Tokenizer

    folder = locate_weights()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    asked = len(tokenizer.encode(QUESTION).ids)
    # And the SEP behind the passage.
    tokenizer.enable_truncation(asked + PASSAGE_TOKENS + 1, strategy="only_second")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    passages = [*PASSAGES, f"{HARBOUR} " * 60]
    expected = []
    for passage in passages:
        pair = tokenizer.encode(QUESTION, passage)
        inputs = {
            "input_ids": pair.ids,
            "attention_mask": pair.attention_mask,
            "token_type_ids": pair.type_ids,
        }
        feed = {name: np.array([values], dtype=np.int64) for name, values in inputs.items()}
        expected.append(session.run(["logits"], feed)[0][0, 0])
    scores = load_embedded().score(QUESTION, passages)
    np.testing.assert_allclose(scores, expected, atol=FLOAT32_TOLERANCE)


def test_auto_is_the_embedded_reranker():
    assert choose_reranker().name == "minilm-reranker"
    assert "comes with Pagelens" in choose_reranker().reason


@pytest.mark.parametrize("name", ["no-such-reranker", "./no/such/folder", "a/b/c"])
def test_an_unknown_name_is_answered_with_the_known_ones(name):
    with pytest.raises(UnknownEncoder, match=r"minilm-reranker, BAAI/bge-reranker-v2-m3"):
        open_reranker(name)


@pytest.mark.parametrize("name", ["BAAI/bge-reranker-v2-m3", "someone/a-reranker-of-their-own"])
def test_a_hub_that_does_not_answer_is_said_within_seconds(monkeypatch, tmp_path, name):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    started = time.monotonic()
    with pytest.raises(HubUnreachable, match=rf"{name} is not in the cache.*does not answer"):
        open_reranker(name)
    assert time.monotonic() - started < PATIENCE_S
    assert "minilm-reranker" in HubUnreachable.remedy


def test_a_folder_is_described_by_what_it_holds(tiny):
    spec = open_reranker(str(tiny("classifier")), ON_CPU).spec
    assert spec.id == str(tiny("classifier"))
    assert spec.context_tokens == reranker_checkpoints.CONTEXT_TOKENS
    assert spec.n_parameters > 10_000
    assert "model card" in spec.licence
    assert not spec.commercial_use


def test_a_checkpoint_that_lacks_a_weight_is_refused_by_its_name(classifier):
    weights = load_file(classifier / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, classifier / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsRefused, match=r"lacks 1 weight: classifier\.weight"):
        open_reranker(str(classifier), ON_CPU)


def test_a_checkpoint_with_a_weight_that_belongs_nowhere_is_refused(classifier):
    weights = load_file(classifier / "model.safetensors")
    weights["second_classifier.weight"] = weights["classifier.weight"]
    save_file(weights, classifier / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsRefused, match=r"unexpected 1 weight: second_classifier\.weight"):
        open_reranker(str(classifier), ON_CPU)


def test_weights_that_are_a_program_are_refused(classifier):
    (classifier / "model.safetensors").rename(classifier / "pytorch_model.bin")
    with pytest.raises(WeightsRefused, match=r"no file named model\.safetensors"):
        open_reranker(str(classifier), ON_CPU)


def test_a_torn_weights_file_is_refused(classifier):
    weights = classifier / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:20_000])
    with pytest.raises(WeightsRefused, match="classifier cannot be loaded"):
        open_reranker(str(classifier), ON_CPU)


def test_code_in_a_checkpoint_is_not_run(classifier):
    config = json.loads((classifier / "config.json").read_text())
    config["model_type"] = "someones-own"
    config["auto_map"] = {"AutoConfig": "their_code.Config"}
    (classifier / "config.json").write_text(json.dumps(config))
    (classifier / "their_code.py").write_text("raise SystemExit('their code ran')")
    with pytest.raises(WeightsRefused, match="classifier cannot be loaded"):
        open_reranker(str(classifier), ON_CPU)


def test_a_classifier_of_several_labels_is_no_reranker(tmp_path):
    reranker_checkpoints.write_classifier(tmp_path, n_labels=3)
    with pytest.raises(WeightsRefused, match="gives 3 scores a pair"):
        open_reranker(str(tmp_path), ON_CPU)


def test_a_language_model_that_does_not_say_how_it_reranks_is_refused(tmp_path):
    reranker_checkpoints.write_language_model(tmp_path)
    with pytest.raises(WeightsRefused, match=r"without a modules\.json"):
        open_reranker(str(tmp_path), ON_CPU)


def test_a_language_model_whose_prompt_has_no_place_for_the_passage_is_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny("verdict"), tmp_path / "chat")
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    with pytest.raises(WeightsRefused, match="cannot carry a 'query'/'document' pair"):
        open_reranker(str(folder), ON_CPU)


def test_the_catalog_says_what_each_reranker_may_be_used_for():
    assert len({spec.id for spec in RERANKER_CATALOG}) == len(RERANKER_CATALOG)
    for spec in RERANKER_CATALOG:
        assert spec.licence
        assert spec.revision != "main"
        assert spec.languages
        # A vendor says neither, and keeps them.
        assert spec.is_hosted == (spec.n_parameters is None) == (spec.memory_bytes == 0)
        assert spec.context_tokens >= 512
        assert spec.model_card.startswith("https://")
