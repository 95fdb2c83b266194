"""Every way to train, for real, on small checkpoints: the loss falls, and what is saved opens."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from retrieval.encoders.hub import locate_checkpoint
from retrieval.encoders.minilm_head import embedded_head
from retrieval.encoders.opening import EncoderOptions, open_encoder
from retrieval.encoders.stream import encode_pages
from retrieval.errors import (
    InvalidTraining,
    LicenceRefused,
    NotTrainable,
    TooFewQuestions,
    WeightsRefused,
)
from retrieval.evaluation import measure_run
from retrieval.maxsim import score_maxsim
from retrieval.text_encoders.catalog import TEXT_CATALOG
from retrieval.text_encoders.opening import open_text_encoder
from retrieval.training.card import write_card
from retrieval.training.fitting import fit, measure_questions
from retrieval.training.losses import make_late_interaction_loss
from retrieval.training.opening import Way, find_trainee, open_learner
from tests.checkpoints import LORA_TARGETS
from tests.retrieval.test_training_data import CARD
from tests.text_checkpoints import write_colbert, write_dense
from tests.training import N_EPOCHS, build_corpus

RUN = EncoderOptions(device="cpu", dtype="float32")


def learn(name, corpus, scratch):
    scratch.mkdir(exist_ok=True)
    return open_learner(
        find_trainee(str(name)),
        corpus.options,
        RUN,
        questions=corpus.questions,
        pages=list(corpus.pages),
        read_page=corpus.read,
        scratch=scratch,
        on_page=lambda done, total: None,
    )


def train(learner, corpus, scratch, on_step=lambda done, total: None):
    return fit(
        learner, corpus.examples, corpus.held_out, corpus.options, scratch / "state.pt", on_step
    )


def unit(vectors):
    """Of length 1; rows of zeros stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def test_the_loss_is_the_cross_entropy_of_mean_maxsim():
    draw = np.random.default_rng(0)
    questions = unit(draw.normal(size=(2, 3, 8))).astype(np.float32)
    pages = unit(draw.normal(size=(4, 5, 8))).astype(np.float32)
    # The second question has two vectors, the last page four.
    questions[1, 2] = 0
    pages[3, 4] = 0

    def reference(questions, pages):
        losses = []
        for own, (question, n_vectors) in enumerate(zip(questions, (3, 2), strict=True)):
            maxsims = [(question[:n_vectors] @ page.T).max(axis=1).mean() for page in pages]
            logits = np.array(maxsims) / 0.1
            losses.append(np.log(np.exp(logits).sum()) - logits[own])
        return np.mean(losses)

    loss = make_late_interaction_loss(0.1)
    assert float(loss(torch.tensor(questions), torch.tensor(pages))) == pytest.approx(
        reference(questions, pages), rel=1e-5
    )
    with_prefix = make_late_interaction_loss(0.1, (4,))
    short = [unit(vectors[..., :4]) for vectors in (questions, pages)]
    assert float(with_prefix(torch.tensor(questions), torch.tensor(pages))) == pytest.approx(
        reference(questions, pages) + reference(*short), rel=1e-5
    )


@pytest.fixture(scope="module")
def trained_head(tmp_path_factory):
    """(corpus, learner, how it went, its checkpoint) of a head that was trained."""
    folder = tmp_path_factory.mktemp("head")
    corpus = build_corpus(matryoshka_dims=(64,), learning_rate=2e-3)
    learner = learn("minilm-layout", corpus, folder / "scratch")
    fitted = train(learner, corpus, folder / "scratch")
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    learner.save(checkpoint)
    write_card(checkpoint, replace(CARD, matryoshka_dims=(64,)))
    return corpus, learner, fitted, checkpoint


def test_a_head_learns(trained_head):
    corpus, learner, fitted, _ = trained_head
    assert len(fitted.epochs) == N_EPOCHS
    assert fitted.epochs[-1].loss < fitted.epochs[0].loss
    assert fitted.best == max(fitted.epochs, key=lambda epoch: epoch.ndcg10).number
    assert fitted.after == measure_questions(learner, corpus.held_out)


def test_a_trained_head_opens_as_an_encoder_of_its_own(trained_head, encoder):
    *_, folder = trained_head
    opened = open_encoder(str(folder))
    assert opened.key != encoder.key
    assert opened.key.startswith(encoder.key.rpartition("/")[0])
    assert (opened.spec.dim, opened.spec.matryoshka_dims) == (encoder.spec.dim, (64,))
    assert opened.spec.licence == encoder.spec.licence
    assert opened.spec.commercial_use
    assert opened.spec.n_parameters > encoder.spec.n_parameters
    question = "What does mooring cost?"
    assert not np.allclose(
        opened.encode_query(question).vectors, encoder.encode_query(question).vectors, atol=1e-2
    )
    # Where a checkpoint lies changes none of its vectors.
    moved = shutil.copytree(folder, folder.with_name("moved"))
    assert open_encoder(str(moved)).key == opened.key


def test_a_head_is_measured_by_the_scores_that_it_will_search_with(trained_head):
    corpus, learner, _, folder = trained_head
    opened = open_encoder(str(folder))
    pages = encode_pages(opened, [corpus.pages[key] for key in corpus.pages])
    expected = [
        [score_maxsim(opened.encode_query(text), page) for page in pages]
        for text in corpus.questions
    ]
    scores = learner.score(corpus.questions, list(corpus.pages))
    np.testing.assert_allclose(scores, expected, atol=2e-2)
    held_out = corpus.held_out
    qrels = {question.id: question.relevant for question in held_out.questions}
    places = [corpus.questions.index(question.text) for question in held_out.questions]
    run = {
        question.id: sorted(
            zip(held_out.pool, scores[place].tolist(), strict=True), key=lambda page: -page[1]
        )[:10]
        for question, place in zip(held_out.questions, places, strict=True)
    }
    mean = measure_run(qrels, run, list(run))["ndcg@10"]
    assert np.mean(measure_questions(learner, held_out)) == pytest.approx(mean)


def test_a_trained_head_is_trained_on(trained_head, tmp_path):
    corpus, learner, _, folder = trained_head
    again = learn(folder, corpus, tmp_path)
    np.testing.assert_array_equal(again.parameters[0].detach(), learner.parameters[0].detach())


def test_a_head_of_other_weights_or_sizes_is_refused(trained_head, tmp_path):
    *_, folder = trained_head
    copied = shutil.copytree(folder, tmp_path / "copied")
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | {"embedding_dim": 64}))
    with pytest.raises(WeightsRefused, match=r"head is \[384, 192\], expected .*\[384, 64\]"):
        open_encoder(str(copied))
    (copied / "config.json").write_text(json.dumps(config | {"base_revision": "another"}))
    with pytest.raises(WeightsRefused, match="trained on revision another of minilm-layout"):
        open_encoder(str(copied))
    (copied / "config.json").write_text(json.dumps(config))
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsRefused, match=r"damaged|cannot be read"):
        open_encoder(str(copied))


def test_a_training_that_is_cut_off_ends_like_one_that_is_not(tmp_path):
    corpus = build_corpus()
    whole, cut_off = tmp_path / "whole", tmp_path / "cut-off"
    learner = learn("minilm-layout", corpus, whole)
    expected = train(learner, corpus, whole)

    def stop(done, total):
        if done == total // 2 + 1:
            raise KeyboardInterrupt

    first_try = learn("minilm-layout", corpus, cut_off)
    with pytest.raises(KeyboardInterrupt):
        train(first_try, corpus, cut_off, stop)
    steps = []
    second_try = learn("minilm-layout", corpus, cut_off)
    fitted = train(second_try, corpus, cut_off, lambda done, total: steps.append(done))
    assert fitted == expected
    assert steps[0] > 1, "the first epoch is not trained again"
    assert torch.equal(second_try.parameters[0], learner.parameters[0])


def test_a_training_of_other_questions_is_begun_anew(tmp_path):
    corpus = build_corpus(epochs=1)
    learner = learn("minilm-layout", corpus, tmp_path)
    train(learner, corpus, tmp_path)
    steps = []
    others = replace(corpus, examples=corpus.examples[1:])
    other = learn("minilm-layout", others, tmp_path)
    train(other, others, tmp_path, lambda done, total: steps.append(done))
    assert steps[0] == 1


def test_a_training_ends_when_nothing_is_gained(tmp_path):
    # With a rate at which nothing changes, no epoch after the first is better.
    corpus = build_corpus(epochs=9, patience=2, learning_rate=1e-12)
    learner = learn("minilm-layout", corpus, tmp_path)
    fitted = train(learner, corpus, tmp_path)
    assert (len(fitted.epochs), fitted.best) == (3, 1)
    np.testing.assert_allclose(learner.parameters[0].detach(), embedded_head().weights, atol=1e-6)
    assert fitted.after == fitted.before


def test_one_question_without_a_wrong_page_is_too_few(tmp_path):
    corpus = build_corpus()
    alone = replace(corpus, examples=(replace(corpus.examples[0], negatives=()),))
    with pytest.raises(TooFewQuestions, match="teaches nothing"):
        train(learn("minilm-layout", alone, tmp_path), alone, tmp_path)


@pytest.mark.parametrize("family", [*LORA_TARGETS, "colqwen2+adapter"])
def test_lora_learns_and_opens_as_an_adapter(family, tiny_checkpoint, tmp_path):
    base = tiny_checkpoint(family)
    whole = build_corpus(epochs=4, learning_rate=3e-3, batch_questions=6, n_negatives=0)
    # Pictures take their time: those of the held-out documents are enough to measure.
    pool = whole.held_out.pool[:4]
    corpus = replace(whole, held_out=replace(whole.held_out, pool=pool))
    learner = learn(base, corpus, tmp_path)
    assert all("lora" in name for name in trained_names(learner))
    # On so few weights, what dropout hides outweighs what four steps teach.
    for module in learner._model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    fitted = train(learner, corpus, tmp_path)
    assert fitted.epochs[-1].loss < fitted.epochs[0].loss
    folder = tmp_path / "adapter"
    folder.mkdir()
    learner.save(folder)
    named = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert named == str(locate_checkpoint(str(base)).base.folder if "+" in family else base)
    opened = open_encoder(str(folder), RUN)
    before = open_encoder(str(base), RUN)
    assert opened.key != before.key
    text = corpus.questions[0]
    assert not np.allclose(
        opened.encode_query(text).vectors, before.encode_query(text).vectors, atol=1e-2
    )
    # What was measured is what is searched with.
    keys = list(corpus.pages)[:2]
    pages = encode_pages(opened, [corpus.pages[key] for key in keys])
    expected = [score_maxsim(opened.encode_query(text), page) for page in pages]
    np.testing.assert_allclose(learner.score([text], keys)[0], expected, rtol=5e-3)


def trained_names(learner):
    """Of the weights that change."""
    return [n for n, parameter in learner._model.named_parameters() if parameter.requires_grad]


@pytest.fixture(scope="module")
def trained_dense(tmp_path_factory):
    """(corpus, learner, how it went, its base, its checkpoint) of a dense encoder of text."""
    folder = tmp_path_factory.mktemp("dense")
    base, checkpoint = write_dense(folder / "base"), folder / "trained"
    corpus = build_corpus(learning_rate=1e-3, matryoshka_dims=(16,))
    learner = learn(base, corpus, folder)
    fitted = train(learner, corpus, folder)
    learner.save(checkpoint)
    write_card(checkpoint, replace(CARD, base="minilm-dense"))
    return corpus, learner, fitted, base, checkpoint


def test_a_dense_encoder_learns_and_opens_with_its_prefixes(trained_dense):
    corpus, _, fitted, base, folder = trained_dense
    assert fitted.epochs[-1].loss < fitted.epochs[0].loss
    opened, before = open_text_encoder(str(folder), RUN), open_text_encoder(str(base), RUN)
    # Of those that the base was trained for, 8 was not trained here.
    assert (before.spec.matryoshka_dims, opened.spec.matryoshka_dims) == ((8, 16), (16,))
    assert opened.spec.licence == "Apache-2.0"
    assert opened.key != before.key
    text = corpus.questions[0]
    vectors = [encoder.encode_query(text).dense for encoder in (opened, before)]
    assert not np.allclose(*vectors, atol=1e-3)


def test_a_dense_encoder_is_measured_by_the_scores_that_it_will_search_with(trained_dense):
    corpus, learner, *_, folder = trained_dense
    opened = open_text_encoder(str(folder), RUN)
    text, keys = corpus.questions[0], list(corpus.pages)[:3]
    documents = [" ".join(word.text for word in corpus.pages[key].words) for key in keys]
    pages = [embedding.dense[0] for embedding in opened.encode_pages(documents)]
    expected = opened.encode_query(text).dense[0] @ np.array(pages).T
    np.testing.assert_allclose(learner.score([text], keys)[0], expected, atol=1e-5)


def test_what_was_trained_is_under_the_licence_of_its_base(trained_head, trained_dense, tmp_path):
    for_sale = replace(RUN, commercial=True)
    for folder, opening in ((trained_head[3], open_encoder), (trained_dense[4], open_text_encoder)):
        opening(str(folder), for_sale)
        copied = shutil.copytree(folder, tmp_path / folder.parent.name)
        (copied / "training.json").unlink()
        with pytest.raises(LicenceRefused, match="not known"):
            opening(str(copied), for_sale)


def test_how_a_model_is_trained_is_read_from_it(tiny_checkpoint, tmp_path):
    assert find_trainee("minilm-layout").way == Way.HEAD
    assert find_trainee(str(tiny_checkpoint("colpali"))).way == Way.LORA
    assert find_trainee(str(write_dense(tmp_path / "dense"))).way == Way.DENSE
    embedded = find_trainee("minilm-dense")
    assert (embedded.way, embedded.spec.licence) == (Way.DENSE, "Apache-2.0")


def test_what_is_not_trained_here_is_refused(tiny_checkpoint, tmp_path):
    with pytest.raises(NotTrainable, match="in the form of transformers"):
        find_trainee(str(tiny_checkpoint("native-colqwen2")))
    # By its name alone: the hub is not asked.
    with pytest.raises(NotTrainable, match="in the form of transformers"):
        find_trainee("vidore/colqwen2-v1.0-hf")
    colbert = tmp_path / "colbert"
    with pytest.raises(NotTrainable, match="family multi-vector, not dense"):
        find_trainee(str(write_colbert(colbert)))
    with pytest.raises(NotTrainable, match="runs at a vendor"):
        find_trainee(next(spec.id for spec in TEXT_CATALOG if spec.is_hosted))
    with pytest.raises(NotTrainable, match="no-such-model"):
        find_trainee("no-such-model")


@pytest.mark.parametrize("name", ["minilm-layout", "dense"])
def test_a_prefix_as_long_as_the_vectors_is_refused(name, tmp_path):
    corpus = build_corpus(matryoshka_dims=(192,))
    model = write_dense(tmp_path / "dense") if name == "dense" else name
    with pytest.raises(InvalidTraining, match="Matryoshka prefixes are shorter, not 192"):
        learn(model, corpus, tmp_path)


def test_a_trained_head_holds_nothing_but_its_weights(trained_head):
    *_, folder = trained_head
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "training.json",
    }
    assert load_file(folder / "model.safetensors")["head.weight"].shape == (384, 192)
