"""A small run of the fuzzer, and that it sees what it is there to see."""

import random
from collections import Counter

import pytest

from ingest.render_pool import RenderPool
from tests.hostile.fuzz import fuzz, judge
from tests.hostile.mutate import build_seeds, damage

N_FILES = 100


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return build_seeds(tmp_path_factory.mktemp("seeds"))


def test_damaged_files_break_no_rule(tmp_path):
    counts, faults = fuzz(N_FILES, 0, tmp_path)
    assert not faults
    assert counts["indexed"] + counts["refused"] == N_FILES
    assert min(counts["indexed"], counts["refused"]) > N_FILES // 10


def test_undamaged_they_are_all_read(seeds, tmp_path):
    counts = Counter()
    files = [(suffix, content) for suffix, contents in seeds.items() for content in contents]
    with RenderPool(1) as pool:
        for number, (suffix, content) in enumerate(files):
            path = tmp_path / f"{number}.{suffix}"
            path.write_bytes(content)
            assert judge(pool, path, counts) == ""
    assert counts["indexed"] == len(files)


def test_damage_is_the_same_for_the_same_seed(seeds):
    for suffix, (content, *_) in seeds.items():
        first, again, other = (
            damage(content, suffix, random.Random(seed)) for seed in ("a", "a", "b")
        )
        assert first == again
        assert first not in (content, other)


def test_what_cannot_be_judged_is_a_fault(tmp_path):
    path = tmp_path / "page.pdf"
    path.write_bytes(b"%PDF-1.7\n%%EOF\n")
    with RenderPool(1) as pool:
        assert judge(pool, path, Counter()) == ""
    assert "raised RuntimeError" in judge(pool, path, Counter())
