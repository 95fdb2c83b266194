"""The hostile corpus, written once for the tests of every way in."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.hostile.cases import Expectation
from tests.hostile.write_corpus import write_corpus


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "files"


@pytest.fixture(scope="session")
def corpus(corpus_folder) -> Mapping[Path, Expectation]:
    """What ingest has to make of each file of the folder."""
    return dict(write_corpus(corpus_folder))
