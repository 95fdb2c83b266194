"""What every encoder of text does, whatever model it runs."""

import threading
import time
from functools import cache

import numpy as np
import pytest

from retrieval.encoders.opening import EncoderOptions
from retrieval.errors import DeviceOutOfMemory
from retrieval.text_encoders import bge_m3, sentence_model
from retrieval.text_encoders.base import Channel
from retrieval.text_encoders.opening import open_text_encoder
from retrieval.text_encoders.passage_encoder import PassageEncoder
from tests import text_checkpoints

ON_CPU = EncoderOptions(device="cpu", dtype="float32")
FLOAT32_TOLERANCE = 1e-4
PATIENCE_S = 60

# Eight bits of a number, through layers of random weights.
HALF_COSINE = 0.98

HARBOUR = "The harbour master collects mooring fees from every yacht on the first of May."
BAKERY = "Our bakery sells rye bread, plum cake and warm cinnamon rolls from six in the morning."
COMET = "A comet was observed at midnight through the telescope of the old observatory."
INVOICE = "Invoice 4711: twelve metres of anchor chain, 340.50 EUR, payable within 30 days."
LONG = f"{BAKERY} " * 6 + COMET
PAGES = [HARBOUR, BAKERY, LONG, INVOICE, "Comet", f"{HARBOUR} " * 4]
QUESTION = "Who takes the money for berths of sailing boats?"

WRITERS = {
    "dense": text_checkpoints.write_dense,
    "last-token": text_checkpoints.write_last_token,
    "bert": text_checkpoints.write_bert,
    "colbert": text_checkpoints.write_colbert,
    "multi-vector": text_checkpoints.write_multi_vector,
    "splade": text_checkpoints.write_splade,
    "bge-m3": text_checkpoints.write_bge_m3,
}
CHANNELS = {
    "minilm-dense": (Channel.DENSE,),
    "dense": (Channel.DENSE,),
    "last-token": (Channel.DENSE,),
    "bert": (Channel.DENSE,),
    "colbert": (Channel.TOKENS,),
    "multi-vector": (Channel.TOKENS,),
    "splade": (Channel.TERMS,),
    "bge-m3": (Channel.DENSE, Channel.TOKENS, Channel.TERMS),
}
BARE = "{}", "{}"
# What is put around a question and around a passage.
PROMPTS = {
    "minilm-dense": BARE,
    "dense": ("query: {}", "passage: {}"),
    "last-token": (f"{text_checkpoints.INSTRUCTION}{{}}", "{}"),
    "bert": BARE,
    "colbert": ("[unused0] {}", "[unused1] {}"),
    "multi-vector": ("[Q] {}", "[D] {}"),
    "splade": BARE,
    "bge-m3": BARE,
}
# What the tokenizer puts around those.
FRAMES = dict.fromkeys(WRITERS, "[CLS]{}[SEP]") | {"last-token": "{}", "bge-m3": "<s>{}</s>"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Writes a tiny checkpoint of a family once, and names its folder."""
    root = tmp_path_factory.mktemp("texts")
    return cache(lambda family: WRITERS[family](root / family))


@pytest.fixture(scope="module")
def open_tiny(tiny):
    """Opens a tiny checkpoint of a family once, or the embedded encoder."""

    @cache
    def open_family(family, dim=None):
        name = family if family == "minilm-dense" else str(tiny(family))
        return open_text_encoder(name if dim is None else f"{name}:{dim}", ON_CPU)

    return open_family


@pytest.fixture(scope="module", params=CHANNELS)
def family(request):
    return request.param


@pytest.fixture
def encoder(family, open_tiny):
    return open_tiny(family)


@pytest.fixture
def hear():
    """Collects the token ids that a tiny checkpoint's transformer gets, a list each text."""
    hooks = []

    def listen(encoder):
        heard = []
        model = encoder._model._model
        backbone = getattr(model, "transformers_model", model)
        hooks.append(
            backbone.get_input_embeddings().register_forward_pre_hook(
                lambda _, ids: heard.extend(ids[0].tolist())
            )
        )
        return heard

    yield listen
    for hook in hooks:
        hook.remove()


def decode(encoder, token_ids):
    """What the tokens stand for, to the letter; as bytes, as each stands for one."""
    tokenizer = encoder._model.tokenizer
    return "".join(map(tokenizer.id_to_token, token_ids)).replace("Ġ", " ").replace("Ċ", "\n")


def assert_alike(embedding, other):
    for name in ("dense", "tokens"):
        vectors, others = getattr(embedding, name), getattr(other, name)
        assert (vectors is None) == (others is None)
        if vectors is not None:
            np.testing.assert_allclose(vectors, others, atol=FLOAT32_TOLERANCE)
    assert (embedding.terms is None) == (other.terms is None)
    if embedding.terms is not None:
        assert weigh(embedding) == pytest.approx(weigh(other), abs=FLOAT32_TOLERANCE)


def weigh(embedding):
    """Its terms; those so light that rounding decides whether they are there left out."""
    weights = zip(embedding.terms.indices, embedding.terms.values, strict=True)
    return {index: value for index, value in weights if value > 10 * FLOAT32_TOLERANCE}


def test_a_page_has_what_its_spec_says(encoder, family):
    assert encoder.spec.channels == CHANNELS[family]
    for embedding in encoder.encode_pages(PAGES):
        check_channels(embedding, encoder)


def test_a_question_has_one_dense_vector(encoder):
    embedding = encoder.encode_query(QUESTION)
    check_channels(embedding, encoder)
    if embedding.dense is not None:
        assert len(embedding.dense) == 1


def check_channels(embedding, encoder):
    channels = encoder.spec.channels
    assert (embedding.dense is not None) == (Channel.DENSE in channels)
    assert (embedding.tokens is not None) == (Channel.TOKENS in channels)
    assert (embedding.terms is not None) == (Channel.TERMS in channels)
    for vectors in (embedding.dense, embedding.tokens):
        if vectors is not None:
            assert vectors.dtype == np.float32
            assert vectors.shape[1] == encoder.dim
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    if embedding.terms is not None:
        assert len(set(embedding.terms.indices)) == len(embedding.terms.indices) > 0
        assert min(embedding.terms.values) > 0


def test_a_long_page_has_several_passages_and_a_short_one_has_one(encoder):
    short, long = encoder.encode_pages(["Comet", f"{LONG} " * 6])
    if short.dense is not None:
        assert len(short.dense) == 1
        assert len(long.dense) > 2
    if short.tokens is not None:
        assert len(long.tokens) > 10 * len(short.tokens)


def test_the_end_of_a_long_page_counts(encoder):
    without, with_ending = encoder.encode_pages([f"{BAKERY} " * 6, f"{BAKERY} " * 6 + COMET])
    with pytest.raises(AssertionError):
        assert_alike(without, with_ending)


@pytest.mark.parametrize("text", ["", "   ", "?!", "... - ...", "\n\t"])
def test_a_text_without_a_word_has_nothing(encoder, text):
    for embedding in (encoder.encode_query(text), encoder.encode_pages([HARBOUR, text])[1]):
        assert embedding.dense is embedding.tokens is embedding.terms is None


def test_no_pages_have_no_embeddings(encoder):
    assert encoder.encode_pages([]) == []


def test_a_page_depends_on_itself_alone(encoder):
    for together, page in zip(encoder.encode_pages(PAGES), PAGES, strict=True):
        assert_alike(together, encoder.encode_pages([page])[0])


def test_a_page_is_the_same_in_batches_of_any_size(encoder, monkeypatch):
    one_by_one = encoder.encode_pages(PAGES)
    for module in (sentence_model, bge_m3):
        monkeypatch.setattr(module, "CPU_BATCH", 8)
    for embedding, other in zip(encoder.encode_pages(PAGES), one_by_one, strict=True):
        assert_alike(embedding, other)


@pytest.mark.parametrize("family", WRITERS)
def test_the_model_gets_the_prompts_to_the_letter(family, open_tiny, hear):
    encoder = open_tiny(family)
    heard = hear(encoder)
    encoder.encode_query("Who pays?")
    encoder.encode_pages(["The master."])
    query, document = (
        FRAMES[family].format(prompt.replace("{}", text))
        for prompt, text in zip(PROMPTS[family], ("Who pays?", "The master."), strict=True)
    )
    if family == "colbert":
        n_tokens = len(encoder._model.tokenizer.encode("[unused0] Who pays?").ids)
        query += "[MASK]" * (text_checkpoints.COLBERT_QUESTION - n_tokens)
    assert [decode(encoder, ids) for ids in heard] == [query, document]
    assert (encoder.spec.query_prompt, encoder.spec.document_prompt) == PROMPTS[family]


@pytest.mark.parametrize("family", WRITERS)
def test_nothing_is_longer_than_the_model_reads(family, open_tiny, hear):
    encoder = open_tiny(family)
    heard = hear(encoder)
    encoder.encode_pages([f"{LONG} " * 3, "x" * 1_000, "日本語の書類" * 80])
    longest_passage = max(map(len, heard))
    assert longest_passage <= encoder._model.context_tokens <= encoder.spec.context_tokens
    assert longest_passage > 0.8 * min(encoder._model.context_tokens, 256)
    heard.clear()
    encoder.encode_query("harbour " * 1_000)
    assert len(heard[0]) <= encoder._model.question_tokens
    # The end of the frame is there: it was the text that was cut.
    ending = FRAMES[family].partition("{}")[2]
    assert decode(encoder, heard[0]).replace("[MASK]", "").endswith(ending)


def test_a_colbert_reads_punctuation_and_has_no_vector_for_it(open_tiny):
    for family in ("colbert", "multi-vector"):
        plain, marked = open_tiny(family).encode_pages(["plum cake", "plum cake!?."])
        assert len(plain.tokens) == len(marked.tokens)
        assert not np.allclose(plain.tokens, marked.tokens, atol=1e-3)


def test_a_colberts_question_is_filled_up_with_masks(open_tiny):
    question = open_tiny("colbert").encode_query("Who pays?")
    assert len(question.tokens) == text_checkpoints.COLBERT_QUESTION


def test_a_pages_terms_are_the_greatest_of_its_passages(open_tiny):
    encoder = open_tiny("splade")
    passages = encoder._passages.cut(LONG)
    assert len(passages) > 2
    greatest = {}
    for embedding in encoder.encode_pages(passages):
        for index, value in weigh(embedding).items():
            greatest[index] = max(value, greatest.get(index, 0.0))
    (page,) = encoder.encode_pages([LONG])
    assert weigh(page) == pytest.approx(greatest, abs=FLOAT32_TOLERANCE)


def test_a_question_waits_for_one_batch_and_not_for_all(open_tiny):
    model = Watched(open_tiny("minilm-dense")._model)
    model.encoder = encoder = PassageEncoder(model)
    pages = threading.Thread(target=encoder.encode_pages, args=([f"{HARBOUR} " * 150],))
    pages.start()
    assert model.has_begun.wait(PATIENCE_S)
    encoder.encode_query(QUESTION)
    pages.join(PATIENCE_S)
    assert model.batches_before_the_question == 1
    assert model.batches > 2


class Wrapped:
    """A real model, with something that happens before a batch."""

    def __init__(self, model):
        self.model = model

    def __getattr__(self, name):
        return getattr(self.model, name)


class Watched(Wrapped):
    """Its first batch takes until a question waits."""

    batches = batches_before_the_question = 0

    def __init__(self, model):
        super().__init__(model)
        self.has_begun = threading.Event()

    def encode_passages(self, passages):
        self.batches += 1
        self.has_begun.set()
        until = time.monotonic() + PATIENCE_S
        while self.batches == 1 and not self.encoder._queue.locked():
            assert time.monotonic() < until
        return self.model.encode_passages(passages)

    def encode_question(self, question):
        self.batches_before_the_question = self.batches
        return self.model.encode_question(question)


class Cramped(Wrapped):
    """Has room for so many passages at once."""

    batch_passages = 8

    def __init__(self, model, room):
        super().__init__(model)
        self.room = room

    def encode_passages(self, passages):
        if len(passages) > self.room:
            raise DeviceOutOfMemory("a batch does not fit into the memory of the device")
        return self.model.encode_passages(passages)


def test_a_batch_that_does_not_fit_is_halved(open_tiny):
    roomy = open_tiny("minilm-dense")
    cramped = PassageEncoder(Cramped(roomy._model, 2))
    pairs = zip(cramped.encode_pages(PAGES), roomy.encode_pages(PAGES), strict=True)
    for embedding, other in pairs:
        assert_alike(embedding, other)


def test_a_passage_that_alone_does_not_fit_is_said(open_tiny):
    with pytest.raises(DeviceOutOfMemory):
        PassageEncoder(Cramped(open_tiny("minilm-dense")._model, 0)).encode_pages(PAGES)


@pytest.mark.parametrize(
    "text", ["Ёлка и чай", "日本語の書類", "עברית", "naïve café №5", "🙂 emoji", "a\u0000b\u0007"]
)
def test_any_script_can_be_encoded(encoder, text):
    check_channels(encoder.encode_query(text), encoder)
    check_channels(encoder.encode_pages([text])[0], encoder)


def test_braces_in_a_text_are_text(encoder):
    check_channels(encoder.encode_query("What is a set {} or {0}?"), encoder)


def test_the_key_is_stable_and_names_weights_and_prompts(encoder, family):
    key = encoder.key
    encoder.encode_pages([HARBOUR])
    assert encoder.key == key
    assert family in key
    assert encoder.spec.revision in key
    for prompt in PROMPTS[family]:
        assert repr(prompt) in key


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (QUESTION, HARBOUR),
        ("Where can I buy pastries?", BAKERY),
        ("What did astronomers see at night?", COMET),
        ("What does the anchor chain cost?", INVOICE),
    ],
)
def test_the_embedded_encoder_finds_the_page_that_answers(open_tiny, question, answer):
    encoder = open_tiny("minilm-dense")
    texts = [HARBOUR, BAKERY, COMET, INVOICE]
    pages = encoder.encode_pages(texts)
    asked = encoder.encode_query(question).dense[0]
    assert texts[int(np.argmax([(page.dense @ asked).max() for page in pages]))] == answer


@pytest.mark.parametrize("family", WRITERS)
def test_half_precision_gives_the_same_but_for_rounding(family, tiny, open_tiny):
    halved = open_text_encoder(str(tiny(family)), EncoderOptions(device="cpu", dtype="bfloat16"))
    (page,) = halved.encode_pages([HARBOUR])
    (whole,) = open_tiny(family).encode_pages([HARBOUR])
    check_channels(page, halved)
    if page.dense is not None:
        assert (page.dense * whole.dense).sum(axis=1).min() > HALF_COSINE
    if page.tokens is not None:
        assert np.median((page.tokens * whole.tokens).sum(axis=1)) > HALF_COSINE
    if page.terms is not None:
        assert len(set(page.terms.indices) & set(whole.terms.indices)) > 0.9 * len(
            whole.terms.indices
        )
