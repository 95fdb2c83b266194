"""Encoding a stream of pages: order, batches, memory, and what does not fit."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier

import numpy as np
import pytest

from retrieval.encoders.stream import BATCHES_AHEAD, Encoding, encode_pages, pack_batches
from retrieval.errors import DeviceOutOfMemory
from retrieval.records import Page, PageEmbedding, TextSource
from tests.conftest import load_encoder
from tests.documents import build_page


@dataclass
class SmallDevice:
    """The embedded encoder on a device that takes so many vectors at once, padding included."""

    capacity: int = 10**9
    batch_vectors: int = 400
    batches_at_once: int = 1
    batches: list[list[int]] = field(default_factory=list)

    def __post_init__(self):
        self.encoder = load_encoder("minilm-layout")
        self.spec, self.key = self.encoder.spec, "small-device"
        self.image_long_side_px = None
        self.prepare, self.collect = self.encoder.prepare, self.encoder.collect
        self.enter_thread = self.encoder.enter_thread

    def forward(self, batch):
        lengths = [page.n_vectors for page in batch]
        if len(batch) * max(lengths) > self.capacity:
            raise DeviceOutOfMemory("too many vectors")
        self.batches.append(lengths)
        return self.encoder.forward(batch)

    def encode_query(self, text):
        return self.encoder.encode_query(text)


def make_pages(*n_words):
    return [build_page("harbour " * n, i) for i, n in enumerate(n_words)]


def test_pages_come_out_in_order_and_as_if_encoded_alone():
    encoder = SmallDevice()
    pages = make_pages(30, 5, 200, 1, 90, 90, 3, 150, 2, 60)
    together = encode_pages(encoder, pages)
    for page, embedding in zip(pages, together, strict=True):
        (alone,) = encode_pages(load_encoder("minilm-layout"), [page])
        np.testing.assert_array_equal(embedding.boxes, alone.boxes)
        np.testing.assert_allclose(embedding.vectors, alone.vectors, atol=2e-3)


def test_what_has_no_page_is_passed_on_in_its_place():
    items = [("first", build_page("harbour")), ("broken", None), ("last", build_page("bakery"))]
    with Encoding(SmallDevice()) as encoding:
        found = list(encoding.stream(items))
    assert [item for item, _ in found] == ["first", "broken", "last"]
    assert [embedding is None for _, embedding in found] == [False, True, False]


def test_a_batch_that_does_not_fit_is_halved_until_it_does():
    encoder = SmallDevice(capacity=120)
    pages = make_pages(*[50] * 9)
    assert len(encode_pages(encoder, pages)) == 9
    assert sorted(length for batch in encoder.batches for length in batch) == [50] * 9
    assert max(len(batch) for batch in encoder.batches) == 2


def test_the_batches_after_it_are_smaller_at_once():
    encoder = SmallDevice(capacity=120)
    pages = make_pages(*[50] * 60)
    refused = []
    forward = encoder.forward

    def count(batch):
        try:
            return forward(batch)
        except DeviceOutOfMemory:
            refused.append(len(batch))
            raise

    encoder.forward = count
    assert len(encode_pages(encoder, pages)) == 60
    # Those that were packed before the first one failed may fail too, the others fit.
    assert len(refused) < 20


def test_as_many_batches_are_run_at_once_as_the_encoder_wants():
    encoder = SmallDevice(batch_vectors=1, batches_at_once=2)
    both_at_work = Barrier(2)
    forward = encoder.forward

    def meet(batch):
        both_at_work.wait(timeout=10)
        return forward(batch)

    encoder.forward = meet
    pages = make_pages(*range(1, 9))
    lengths = [len(embedding.vectors) for embedding in encode_pages(encoder, pages)]
    assert lengths == list(range(1, 9))


def test_a_page_alone_may_take_all_cores():
    encoder, entered = SmallDevice(), []
    encoder.enter_thread = lambda: entered.append(True)
    assert len(encode_pages(encoder, make_pages(5))) == 1
    assert not entered
    assert len(encode_pages(encoder, make_pages(5, 5))) == 2
    assert entered


def test_one_page_that_does_not_fit_is_an_error():
    with pytest.raises(DeviceOutOfMemory):
        encode_pages(SmallDevice(capacity=10), make_pages(50))


def test_images_are_let_go_once_they_are_prepared():
    """However long the stream, only a few pages are held."""
    encoder = SmallDevice(batch_vectors=60)
    alive: list[weakref.ref] = []
    most = 0

    def pages():
        nonlocal most
        for i in range(200):
            page = LetGo("0" * 64, i, build_page("harbour fees").words, TextSource.TEXT_LAYER)
            alive.append(weakref.ref(page))
            yield i, page
            del page
            gc.collect(0)
            most = max(most, sum(ref() is not None for ref in alive))

    with Encoding(encoder) as encoding:
        seen = [item for item, _ in encoding.stream(pages())]
    assert seen == list(range(200))
    pages_a_batch = 60 // 2
    assert most < BATCHES_AHEAD * pages_a_batch < 200


class LetGo(Page):
    """A page that can be watched."""

    __slots__ = ("__weakref__",)


def test_a_reader_that_stops_early_leaves_no_thread_at_work():
    encoder = SmallDevice()
    with Encoding(encoder) as encoding:
        stream = encoding.stream((i, build_page("harbour", i)) for i in range(1_000))
        assert next(stream)[0] == 0
        stream.close()
    n_batches = len(encoder.batches)
    assert len(encoder.batches) == n_batches < 1_000


def test_streams_read_at_once_share_the_batches_of_one_device():
    encoder = SmallDevice(batch_vectors=10_000)
    texts = [[f"harbour fees of street {i} in town {n}" for i in range(30)] for n in range(4)]
    with Encoding(encoder) as encoding, ThreadPoolExecutor(4) as readers:
        start = Barrier(4)

        def read(town):
            start.wait()
            pages = ((i, build_page(text, i)) for i, text in enumerate(texts[town]))
            return list(encoding.stream(pages))

        found = list(readers.map(read, range(4)))
    for town, stream in zip(texts, found, strict=True):
        assert [i for i, _ in stream] == list(range(30))
        expected = encode_pages(load_encoder("minilm-layout"), list(map(build_page, town)))
        for (_, embedding), alone in zip(stream, expected, strict=True):
            np.testing.assert_allclose(embedding.vectors, alone.vectors, atol=2e-3)
    assert len(encoder.batches) < 4 * 30


def test_a_page_that_cannot_be_encoded_fails_its_own_stream_alone():
    encoder = SmallDevice(capacity=60)
    with Encoding(encoder) as encoding:
        with pytest.raises(DeviceOutOfMemory):
            list(encoding.stream([("long", build_page("harbour " * 100))]))
        (found,) = encoding.stream([("short", build_page("harbour"))])
    assert found[0] == "short"


@pytest.mark.parametrize(
    ("n_vectors", "budget", "batches"),
    [
        ([], 10, []),
        ([3, 3, 3], 9, [[0, 1, 2]]),
        ([3, 3, 4], 9, [[0, 1], [2]]),
        ([1, 1, 1, 10], 9, [[0, 1, 2], [3]]),
        ([0, 0, 5], 5, [[0, 1], [2]]),
        ([20, 30], 9, [[0], [1]]),
    ],
)
def test_batches_are_packed_by_vectors_with_their_padding(n_vectors, budget, batches):
    assert pack_batches(n_vectors, budget) == batches
    for batch in batches:
        longest = max(n_vectors[i] for i in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget


def test_embeddings_keep_their_contract():
    (embedding,) = encode_pages(SmallDevice(), make_pages(3))
    assert isinstance(embedding, PageEmbedding)
