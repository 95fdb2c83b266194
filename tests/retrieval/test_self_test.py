"""The self-test: who knows nothing fails it, who knows something passes."""

import pytest

from retrieval.encoders.self_test import TOPICS, check_encoder, draw_page
from retrieval.errors import SelfTestFailed
from tests.checkpoints import ADAPTERS, FAMILIES
from tests.conftest import load_encoder


@pytest.mark.parametrize("name", [*FAMILIES, *ADAPTERS])
def test_an_untrained_checkpoint_fails(open_tiny, name):
    with pytest.raises(SelfTestFailed, match=r"\d of 4 questions did not find their page"):
        check_encoder(open_tiny(name))


def test_the_embedded_encoder_passes():
    check_encoder(load_encoder("minilm-layout"))


def test_an_encoder_that_ranks_every_page_alike_fails():
    class Indifferent:
        def __init__(self):
            self._encoder = load_encoder("minilm-layout")

        def __getattr__(self, name):
            return getattr(self._encoder, name)

        def encode_query(self, text):
            return self._encoder.encode_query("the same for every question")

    with pytest.raises(SelfTestFailed):
        check_encoder(Indifferent())


def test_the_pages_hold_what_is_asked_for_in_pixels_and_in_words():
    for i, (_, title, text) in enumerate(TOPICS):
        page = draw_page(i, title, text)
        assert " ".join(word.text for word in page.words) == f"{title} {text}"
        assert len(page.image.getcolors(100_000)) > 1
        for word in page.words:
            assert 0 <= word.box.x0 < word.box.x1 <= 1
            assert 0 <= word.box.y0 < word.box.y1 <= 1
