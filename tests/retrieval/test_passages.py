"""Passages: between words, within the context, and none of the text lost."""

import pytest

from retrieval.errors import WeightsRefused
from retrieval.text_encoders.passages import PassageCutter
from tests.checkpoints import build_qwen_tokenizer
from tests.text_checkpoints import build_bert_tokenizer, build_roberta_tokenizer

CONTEXT_TOKENS = 60
PAGE = " ".join(f"word{number} is number {number}, and more." for number in range(60))


@pytest.fixture(params=[build_bert_tokenizer, build_roberta_tokenizer, build_qwen_tokenizer])
def tokenizer(request):
    """One byte a token, as the tests' tokenizers cut."""
    return request.param().backend_tokenizer


def test_passages_hold_every_word_and_end_between_words(tokenizer):
    passages = PassageCutter("m", tokenizer, "{}", CONTEXT_TOKENS, 256).cut(PAGE)
    words = PAGE.split()
    place = 0
    for passage in passages:
        here = passage.split()
        # The next passage begins at or before the end of this one.
        start = next(i for i in range(place, -1, -1) if words[i : i + len(here)] == here)
        assert start <= place
        place = start + len(here)
    assert place == len(words)


def test_a_passage_repeats_a_little_of_the_one_before(tokenizer):
    passages = PassageCutter("m", tokenizer, "{}", CONTEXT_TOKENS, 256).cut(PAGE)
    together = sum(map(len, passages))
    assert len(PAGE) < together < 1.3 * len(PAGE)


@pytest.mark.parametrize("prompt", ["{}", "passage: {}", "<{}> in a few words"])
def test_prompt_and_passage_fit_the_context_together(tokenizer, prompt):
    cutter = PassageCutter("m", tokenizer, prompt, CONTEXT_TOKENS, 256)
    lengths = [cutter.count_tokens(passage) for passage in cutter.cut(PAGE)]
    assert max(lengths) <= CONTEXT_TOKENS
    assert min(lengths[:-1]) > CONTEXT_TOKENS - 15
    before, _, after = prompt.partition("{}")
    first = cutter.cut(PAGE)[0]
    assert cutter.count_tokens(first) == len(tokenizer.encode(before + first + after).ids)


def test_passages_are_no_longer_than_is_good_for_them(tokenizer):
    cutter = PassageCutter("m", tokenizer, "passage: {}", 4_000, 50)
    frame = cutter.count_tokens("")
    assert max(cutter.count_tokens(passage) - frame for passage in cutter.cut(PAGE)) <= 50
    assert cutter.label == "passages-50"


@pytest.mark.parametrize("text", ["x" * 500, "日本語の書類" * 50, "🙂" * 90, f"a {'y' * 300} b"])
def test_a_word_that_is_longer_than_a_passage_is_cut_within(tokenizer, text):
    cutter = PassageCutter("m", tokenizer, "{}", CONTEXT_TOKENS, 256)
    passages = cutter.cut(text)
    assert max(map(cutter.count_tokens, passages)) <= CONTEXT_TOKENS
    assert all(passage in text for passage in passages)
    assert sum(map(len, passages)) >= len(text) - 2
    assert text.startswith(passages[0])
    assert text.endswith(passages[-1])


def test_a_short_text_is_one_passage_and_spaces_are_none(tokenizer):
    cutter = PassageCutter("m", tokenizer, "{}", CONTEXT_TOKENS, 256)
    assert cutter.cut("  A page of one line. \n") == ["A page of one line."]
    assert cutter.cut(" \n ") == cutter.cut("") == []


def test_a_prompt_that_fills_the_context_is_refused(tokenizer):
    with pytest.raises(WeightsRefused, match=r"some-model reads 20 tokens, and its prompt alone"):
        PassageCutter("some-model", tokenizer, f"{'very ' * 20}{{}}", 20, 256)
