"""The text encoders of a library together, and at work beside its page encoder."""

from dataclasses import dataclass, field, replace
from threading import Event

import numpy as np
import pytest

from retrieval.errors import DeviceOutOfMemory, InvalidSetting
from retrieval.lexical import SparseVector
from retrieval.text_encoders.base import NO_TEXT, Channel, TextEmbedding
from retrieval.text_encoders.channels import ChannelSpace, TextEncoders
from retrieval.text_encoders.opening import open_text_encoder
from retrieval.text_encoders.stream import BATCH_PAGES, TextEncoding

# So long a state is waited for: machines may be busy.
WAIT_S = 120


@dataclass
class CountingWords:
    """An encoder whose one term says how many words there are, on a device of a few pages."""

    capacity: int = 10**9
    too_long: int = 10**9
    begin: Event | None = None
    has_begun: Event = field(default_factory=Event)
    batches: list[int] = field(default_factory=list)
    key = "counting-words@1"
    dim = 100

    def __post_init__(self):
        self.spec = replace(
            open_text_encoder("minilm-dense").spec,
            id="counting-words",
            channels=(Channel.TERMS,),
            dim=self.dim,
        )

    def encode_pages(self, texts):
        self.has_begun.set()
        if self.begin:
            assert self.begin.wait(WAIT_S)
        if len(texts) > self.capacity or any(len(t.split()) > self.too_long for t in texts):
            raise DeviceOutOfMemory("too many words")
        self.batches.append(len(texts))
        return [self.encode_query(text) for text in texts]

    def encode_query(self, text):
        return TextEmbedding(terms=SparseVector((1,), (float(len(text.split())),)))


def count_of(embedding):
    return embedding.terms.values[0]


@pytest.fixture(scope="module")
def minilm():
    return open_text_encoder("minilm-dense")


def test_each_encoder_adds_its_channels(minilm):
    both = TextEncoders([CountingWords(), minilm])
    assert both.spaces == (
        ChannelSpace(Channel.DENSE, 384, minilm.key),
        ChannelSpace(Channel.TERMS, 0, "counting-words@1"),
    )
    assert both.keys == ("counting-words@1", minilm.key)
    (page, wordless) = both.encode_pages(["the harbour master", ""])
    np.testing.assert_array_equal(page.dense, minilm.encode_pages(["the harbour master"])[0].dense)
    assert (count_of(page), page.tokens, wordless.dense) == (3.0, None, None)
    query = both.encode_query("harbour master")
    assert query.dense.shape == (1, 384)
    assert count_of(query) == 2.0


def test_two_encoders_of_one_channel_are_refused_by_both_names(minilm):
    with pytest.raises(
        InvalidSetting, match=r"minilm-dense and minilm-dense both make dense vectors"
    ):
        TextEncoders([minilm, CountingWords(), minilm])


def test_a_library_without_text_encoders_has_no_channel():
    none = TextEncoders()
    assert none.spaces == none.keys == ()
    assert none.encode_pages(["harbour", ""]) == [NO_TEXT, NO_TEXT]
    assert none.encode_query("harbour") == NO_TEXT
    with TextEncoding(none) as encoding:
        assert encoding.submit("harbour").result(WAIT_S) == NO_TEXT


def test_what_waits_is_encoded_together_and_each_page_gets_its_own():
    encoder = CountingWords(begin=Event())
    with TextEncoding(TextEncoders([encoder])) as encoding:
        waiting = [encoding.submit("word " * n) for n in range(1, 41)]
        wordless = encoding.submit("")
        encoder.begin.set()
        assert [count_of(each.result(WAIT_S)) for each in waiting] == list(range(1, 41))
        assert wordless.result(WAIT_S) == NO_TEXT
    assert sum(encoder.batches) == 40
    # The first page may have begun alone; behind it as many as may go together do.
    assert max(encoder.batches) == BATCH_PAGES
    assert len(encoder.batches) <= 4


def test_a_page_that_does_not_fit_fails_alone():
    encoder = CountingWords(capacity=4, too_long=20, begin=Event())
    with TextEncoding(TextEncoders([encoder])) as encoding:
        waiting = [encoding.submit("word " * n) for n in (3, 30, 5, 7, 2, 9)]
        encoder.begin.set()
        for n, each in zip((3, 30, 5, 7, 2, 9), waiting, strict=True):
            if n > encoder.too_long:
                with pytest.raises(DeviceOutOfMemory):
                    each.result(WAIT_S)
            else:
                assert count_of(each.result(WAIT_S)) == n


def test_what_is_cancelled_is_not_encoded():
    encoder = CountingWords(begin=Event())
    with TextEncoding(TextEncoders([encoder])) as encoding:
        first = encoding.submit("at work")
        assert encoder.has_begun.wait(WAIT_S)
        second, third = encoding.submit("cancelled"), encoding.submit("and it waits")
        assert second.cancel()
        encoder.begin.set()
        assert [count_of(each.result(WAIT_S)) for each in (first, third)] == [2.0, 3.0]
    assert encoder.batches == [1, 1]


def test_what_an_encoder_raises_is_told_to_all_who_wait():
    class Broken(CountingWords):
        def encode_pages(self, texts):
            raise ValueError("not a number")

    with TextEncoding(TextEncoders([Broken()])) as encoding:
        for waiting in [encoding.submit("harbour"), encoding.submit("master")]:
            with pytest.raises(ValueError, match="not a number"):
                waiting.result(WAIT_S)
