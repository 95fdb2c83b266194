"""Passages without a tokenizer, and what vendors are paid for them."""

import pytest
from tokenizers import Tokenizer

from retrieval.encoders.minilm_layout import locate_weights
from retrieval.hosted.cost import (
    Cost,
    Meter,
    estimate_cost,
    estimate_cost_of_pages,
    estimate_tokens,
    price_tokens,
)
from retrieval.hosted.passages import (
    PASSAGE_TOKENS,
    bound_tokens,
    choose_limit,
    cut_end,
    cut_passages,
)
from tests.retrieval.hosted.models import describe_texts

ENGLISH = (
    "The harbour master collects mooring fees from every yacht on the first of May, and 12.50 "
    "crowns a night from guests who stay no longer than a week. "
)
# Nothing in them stands twice, so that a passage has one place.
TEXTS = [
    " ".join(f"{word}{i}" for i in range(30) for word in ENGLISH.split()),
    " ".join(f"Ёлка {i} стоит у окна, и под ней лежат {i * i} подарков." for i in range(40)),
    "".join(map(chr, range(0x4E00, 0x4E00 + 1_500))),
    "".join(f"x{i:05}" for i in range(800)),
    "".join(map(chr, range(0x20000, 0x20000 + 2_000))),
    "".join(f"{i};" for i in range(1_000)),
]


@pytest.mark.parametrize("limit", [32, PASSAGE_TOKENS])
@pytest.mark.parametrize("text", TEXTS)
def test_passages_cover_a_text_within_the_limit(text, limit):
    passages = cut_passages(text, limit)
    assert all(0 < bound_tokens(passage) <= limit for passage in passages)
    letters = "".join(text.split())
    end = 0
    for passage in passages:
        run = "".join(passage.split())
        start = letters.find(run)
        assert 0 <= start <= end < start + len(run)
        end = start + len(run)
    assert end == len(letters)


@pytest.mark.parametrize("text", TEXTS)
def test_no_passage_has_more_bytes_than_the_shortest_long_context(text):
    """No tokenizer makes more tokens than bytes, and 2,048 is Google's context."""
    assert all(
        len(passage.encode()) <= 4 * PASSAGE_TOKENS + passage.count(" ")
        for passage in cut_passages(text, PASSAGE_TOKENS)
    )


def test_the_bound_holds_for_the_tokenizer_that_is_at_hand():
    tokenizer = Tokenizer.from_file(str(locate_weights() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for text in TEXTS[:3]:
        for passage in cut_passages(text, PASSAGE_TOKENS):
            n_tokens = len(tokenizer.encode(passage, add_special_tokens=False).ids)
            assert n_tokens <= bound_tokens(passage)


def test_a_short_text_is_one_passage_and_an_empty_one_none():
    assert cut_passages("  Fees \n of   May ", PASSAGE_TOKENS) == ["Fees of May"]
    assert cut_passages(" \n ", PASSAGE_TOKENS) == []
    assert cut_end("one two three", 4) == "one two"
    assert cut_end("", 4) == ""


def test_a_short_context_makes_shorter_passages():
    assert choose_limit(512) == choose_limit(32_000) == choose_limit(0) == PASSAGE_TOKENS
    assert choose_limit(128) == 128


def test_a_cost_is_estimated_from_what_is_sent():
    spec = describe_texts("openai/text-embedding-3-large")
    pages = [ENGLISH * 2, "", "Two words"]
    cost = estimate_cost(spec, pages)
    assert cost.is_estimate
    assert cost.tokens == pytest.approx(sum(map(len, pages)) / 4, abs=3)
    assert cost.usd == pytest.approx(cost.tokens * 0.13 / 1e6)
    long = estimate_cost(spec, [ENGLISH * 60])
    assert 1.0 < long.tokens / (len(ENGLISH * 60) / 4) < 1.15
    assert estimate_cost(spec, []) == Cost(0, 0.0, True)
    assert str(estimate_cost_of_pages(spec, 1_000)) == "about $0.11 for 820 k tokens"


def test_other_scripts_are_estimated_by_the_letter():
    assert estimate_tokens("東京駅") == 3
    assert estimate_tokens("four four four f") == 4


def test_a_price_that_is_not_known_stays_unknown():
    spec = describe_texts("openai/text-embedding-3-large", usd_per_million_tokens=None)
    assert price_tokens(spec, 12).usd is None
    assert (price_tokens(spec, 12) + Cost(3, 0.5)) == Cost(15, None)


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(1_234_567, 0.1605, True), "about $0.16 for 1.2 M tokens"),
        (Cost(1_234_567, 12.0), "$12.00 for 1.2 M tokens"),
        (Cost(45_678, 0.0059), "$0.0059 for 46 k tokens"),
        (Cost(12, 0.00001), "less than $0.0001 for 12 tokens"),
        (Cost(512, None), "an unknown price for 512 tokens"),
        (Cost(0, 0.002), "$0.002"),
        (Cost(), "$0.00"),
    ],
)
def test_a_cost_is_shown_in_a_few_words(cost, text):
    assert str(cost) == text


def test_a_meter_sums_up():
    meter = Meter()
    meter.add(Cost(3, 0.5))
    meter.add(Cost(4, 0.25, True))
    assert meter.spent == Cost(7, 0.75, True)
