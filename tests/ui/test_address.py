"""What an address asks for; what it says wrongly is as if it did not say it."""

from __future__ import annotations

from datetime import date

import pytest

from retrieval.records import Box
from ui.address import Address, read_address

ID = "0123456789abcdef" * 4


def test_an_empty_address_asks_nothing():
    assert read_address("") == Address()
    assert read_address("?").asks_nothing


def test_a_question_comes_with_its_filters():
    asked = read_address(
        "?q=net+sales&document=report.pdf&kind=photo&tag=10-K"
        "&from=2026-01-02&until=2026-02-03&group=1"
    )
    assert asked == Address(
        question="net sales",
        document="report.pdf",
        kind="photo",
        tag="10-K",
        added=(date(2026, 1, 2), date(2026, 2, 3)),
        is_grouped=True,
    )
    assert asked.n_filters == 5


def test_pages_are_counted_from_1_in_addresses_and_from_0_inside():
    asked = read_address(f"like={ID}.3&region=0.1,0.2,0.5,0.6")
    assert asked.like == (ID, 2)
    assert asked.region == Box(0.1, 0.2, 0.5, 0.6)


def test_a_picture_is_named_by_its_folder_and_its_name():
    assert read_address(f"picture={ID}/a%20cutting.png").picture == (ID, "a cutting.png")


@pytest.mark.parametrize(
    "query",
    [
        f"like={ID}",
        f"like={ID}.0",
        "like=report.pdf.3",
        f"like={ID}.9999999",
        "region=0,0,1,1",
        f"picture={ID}/../secret.png",
        "picture=..%2F..%2Fetc/passwd",
        "picture=/etc/passwd",
        "kind=folder",
        "from=yesterday",
        "until=0001-01-01",
        "q=%20%00%20",
        "group=yes",
    ],
)
def test_nonsense_is_passed_over(query):
    assert read_address(query) == Address()


@pytest.mark.parametrize("region", ["0,0,1", "0.5,0,0.5,1", "nan,0,1,1", "-1,0,1,1", "0,0,2,1"])
def test_a_region_that_is_none_is_the_whole_page(region):
    assert read_address(f"like={ID}.1&region={region}") == Address(like=(ID, 0))
