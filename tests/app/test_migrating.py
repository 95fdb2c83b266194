"""A library changes its encoder while it is searched: built, compared, switched, rolled back."""

import signal
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from app.library import Library
from app.library_status import read_status
from app.migration_record import Comparison, MigrationState, Target, read_migration
from app.restore import restore_library
from app.settings import Settings
from app.space_comparison import bound_difference
from ingest.documents import MIGRATION
from retrieval.errors import (
    EncoderMismatch,
    EncoderWorse,
    MigrationNotPossible,
    ReadOnlyLibrary,
    UnknownEncoder,
)
from retrieval.index.base import VectorStorage
from retrieval.page_fusion import Ranking
from retrieval.questions import RelevantPage
from retrieval.search import Mode
from tests.documents import draw_photo, write_text_pdf
from tests.libraries import copy_library
from tests.qdrant_local import serve_local_qdrant
from tests.terminal import ROOT, run_python

POOLED = Target(pool_factor=2)
WAIT_S = 120
KILLED_S = 150

# Of different lengths, as which of two pages of one score comes first is chance.
SEEN = ["Gulls", "ropes", "nets", "barrels", "sails", "anchors"]
LOG = [
    f"Day {i} of the harbour log: the wind, the tide and lantern {i} of the pier. "
    + " ".join(SEEN[:i])
    for i in range(1, 7)
]
FILES = {
    "log.pdf": LOG,
    "bakery.pdf": ["Our bakery sells rye bread and plum cake.", "It opens at seven on weekdays."],
    "comet.pdf": ["A letter about the comet, seen through the telescope in March."],
}
QUESTIONS = [
    "Which lantern of the pier was lit on day 5?",
    "the wind and the tide",
    "when does the bakery open",
    "plum cake",
    "a comet in the telescope",
    "sunset over the water",
]
STAGES = ("maxsim", "bm25", "photo")


class Made(NamedTuple):
    files: Path
    folder: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    """A library of ten pages, one of them a photo; copy it to change it."""
    root = tmp_path_factory.mktemp("migrating")
    (root / "files").mkdir()
    for name, pages in FILES.items():
        write_text_pdf(root / "files" / name, *pages)
    draw_photo().save(root / "files" / "dusk.png")
    with open_library(root / "library") as library:
        assert library.ingest([root / "files"], silent).pages == 10
    return Made(root / "files", root / "library")


@pytest.fixture
def folder(made, tmp_path) -> Path:
    copy_library(made.folder, tmp_path / "library")
    return tmp_path / "library"


def open_library(folder, **settings):
    # What reads pages again is the same before and after.
    return Library(Settings(library=folder, reranker="none", **settings))


def silent(progress):
    pass


def list_hits(library, question):
    """What a question finds, and the scores of it: sums whose order is not always the same."""
    answer = library.search(question, 10)
    scores = [
        [hit.score, *(getattr(hit.scores, stage) or 0.0 for stage in STAGES)] for hit in answer.hits
    ]
    hits = [
        (hit.document, hit.page_number, hit.duplicates, [match.box for match in hit.matches])
        for hit in answer.hits
    ]
    return (answer.is_good, hits), np.array(scores)


def assert_found_alike(library, other):
    for question in QUESTIONS:
        (found, scores), (expected, expected_scores) = (
            list_hits(each, question) for each in (library, other)
        )
        assert found == expected
        assert scores == pytest.approx(expected_scores, abs=1e-4)


def list_stored(library):
    """All that a library holds of its pages, in the order of their names."""
    names = {d.document_id: d.name for d in library.list_documents()}
    pages = sorted(library._index.list_pages(), key=lambda page: (names[page[0]], page[1]))
    stored = library._index.fetch(pages)
    return [
        (
            names[page[0]],
            page[1],
            None if embedding is None else embedding.vectors.tolist(),
            library._index.fetch_photo(*page) is None,
            words,
            next(p for p in library.list_pages(page[0]) if p.page_index == page[1]),
        )
        for page, embedding, words in zip(
            pages, stored, library._index.fetch_words(pages), strict=True
        )
    ]


@contextmanager
def searched(library):
    """Searches all the while, once the models are loaded; gives what was found, and what failed."""
    begun, ending, found, failed = threading.Event(), threading.Event(), [], []

    def search():
        while not ending.is_set():
            for question in QUESTIONS:
                try:
                    found.append(bool(library.search(question, 3).hits))
                except Exception as error:
                    failed.append(error)
                begun.set()

    searching = threading.Thread(target=search)
    searching.start()
    try:
        assert begun.wait(WAIT_S)
        yield found, failed
    finally:
        ending.set()
        searching.join(WAIT_S)


# A process that moves a library while it is searched, and is killed at the first word of a stage.
KILLED = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.app.test_migrating import POOLED, open_library, searched

def kill(progress):
    assert found and not failed, failed
    if progress.stage == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

with open_library(Path(sys.argv[1])) as library, searched(library) as (found, failed):
    library.build_migration(POOLED, kill)
"""


def test_a_migration_under_search_load_is_killed_twice_and_ends_as_a_fresh_library(
    made, folder, tmp_path
):
    for stage in ("encoding", "comparing"):
        ended = run_python("-c", KILLED, str(folder), stage, timeout_s=KILLED_S)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        status = read_status(folder)
        assert status.migration.state is MigrationState.ENCODING
        assert 0 < status.migrated_pages[0] <= 10
        assert status.migrated_pages[1] == 10
    with open_library(folder) as library, searched(library) as (found, failed):
        steps = []
        library.build_migration(Target(), steps.append)
        assert "encoding" not in [step.stage for step in steps], "all pages were encoded before"
        comparison = library.migration().migration.comparison
        assert (comparison.n_questions, comparison.is_sampled) == (9, True)
        assert library.switch_migration(silent) == []
        n_before = len(found)
        while len(found) < n_before + len(QUESTIONS):
            assert not failed
    assert not failed
    assert all(found)
    with (
        open_library(folder) as moved,
        open_library(tmp_path / "fresh", pool_factor=2) as fresh,
    ):
        fresh.ingest([made.files], silent)
        assert moved.encoder.key == fresh.encoder.key
        assert list_stored(moved) == list_stored(fresh)
        assert_found_alike(moved, fresh)
        assert moved.count() == fresh.count()
        assert moved.examine(silent).is_healthy


def test_what_changes_meanwhile_is_in_the_new_index_and_after_a_roll_back_in_the_old(
    folder, tmp_path
):
    mill = write_text_pdf(tmp_path / "mill.pdf", "The mill grinds barley for the village.")
    sail = write_text_pdf(tmp_path / "sail.pdf", "A sail is mended with a needle and wax.")
    with open_library(folder) as library:
        before = list_stored(library)
        library.build_migration(POOLED, silent)
        library.ingest([mill], silent)
        library.delete(library.find_document("comet.pdf").document_id)
        library.write_tags(library.find_document("bakery.pdf").document_id, ["shop"])
        library.switch_migration(silent)
        assert library.encoder.key.endswith("/pool-2")
        assert library.search("who grinds barley", 1).hits[0].document == "mill.pdf"
        assert library.examine(silent).is_healthy
        assert library._index.count() == 10

        library.ingest([sail], silent)
        library.roll_back(silent)
        assert library.migration().migration.state is MigrationState.ROLLED_BACK
        assert not library.encoder.key.endswith("/pool-2")
        assert library.search("needle and wax", 1).hits[0].document == "sail.pdf"
        assert library.examine(silent).is_healthy
        added = ("mill.pdf", "sail.pdf")
        old = [page for page in list_stored(library) if page[0] not in added]
        assert old == [page for page in before if page[0] != "comet.pdf"]

        # It may be switched to again, with what has come since.
        library.build_migration(POOLED, silent)
        library.switch_migration(silent)
        assert library.search("needle and wax", 1).hits[0].document == "sail.pdf"
        assert library.drop_old() > 0
        assert library.migration().migration is None
    assert not (folder / "index").exists()
    with open_library(folder) as library:
        assert library.encoder.key.endswith("/pool-2")
        assert library.examine(silent).is_healthy
        assert library.list_tags()[0].tag == "shop"
        with pytest.raises(MigrationNotPossible, match="one index alone"):
            library.roll_back(silent)
        with pytest.raises(MigrationNotPossible, match="one index alone"):
            library.drop_old()


def test_a_document_that_is_being_added_goes_on_in_the_new_index(folder, tmp_path, monkeypatch):
    pages = [f"Chapter {i}: the mule carries sack {i} up the hill." for i in range(1, 31)]
    mule = write_text_pdf(tmp_path / "mule.pdf", *pages)
    with open_library(folder) as library:
        library.build_migration(POOLED, silent)
        forward, begun, switched = library.encoder.forward, threading.Event(), threading.Event()

        def hold_back(batch):
            if begun.is_set():
                assert switched.wait(WAIT_S)
            begun.set()
            return forward(batch)

        monkeypatch.setattr(library.encoder, "forward", hold_back)
        adding = threading.Thread(target=library.ingest, args=([mule], silent))
        adding.start()
        assert begun.wait(WAIT_S)
        library.switch_migration(silent)
        switched.set()
        adding.join(WAIT_S)
        assert not adding.is_alive()
        assert library._index.count() == 10 + len(pages)
        assert library.examine(silent).is_healthy
        # Those from before and after the switch are alike.
        added = library.find_document("mule.pdf").document_id
        counts = [len(stored.vectors) for stored in library._index.fetch([(added, 0), (added, 29)])]
        assert counts == [page.n_vectors for page in library.list_pages(added)[:: len(pages) - 1]]
        assert counts[0] == counts[1] < 6
        assert library.search("sack 30 up the hill", 1).hits[0].page_number == 30


def test_a_library_is_not_moved_to_an_encoder_that_is_clearly_worse(folder):
    with open_library(folder) as library:
        library.build_migration(POOLED, silent)
        built = read_migration(library._documents)
        worse = replace(built, comparison=Comparison(40, False, 0.71, 0.52, -0.28, -0.09))
        library._documents.write_setting(MIGRATION, worse.dump())
        with pytest.raises(EncoderWorse, match=r"0.520 instead of 0.710 .*-0.280 to -0.090"):
            library.switch_migration(silent)
        assert not library.encoder.key.endswith("/pool-2")
        library.switch_migration(silent, force=True)
        assert library.encoder.key.endswith("/pool-2")


def test_a_library_gains_and_loses_a_channel_and_keeps_it_with_another_encoder(
    made, folder, tmp_path
):
    with open_library(folder) as library:
        # Its own questions are asked, where it has some.
        page = RelevantPage("bakery.pdf", 1)
        library.add_question("when does the bakery open", [page])
        library.add_question("hours of the bakery on a weekday", [page])
        with pytest.raises(UnknownEncoder, match="unknown text model 'no-such-model'"):
            library.begin_migration(Target(text_models=("no-such-model",)))
        library.build_migration(Target(text_models=("minilm-dense",)), silent)
        built = library.migration().migration
        assert built.encoder == "minilm-layout, turbo4, text model minilm-dense"
        assert (built.comparison.n_questions, built.comparison.is_sampled) == (2, False)
        assert library.search("plum cake", 1).hits[0].scores.dense is None
        library.switch_migration(silent)
        assert library.encoders.text_names == ("minilm-dense",)
        assert library.search("plum cake", 1).hits[0].scores.dense > 0.3
        with pytest.raises(MigrationNotPossible, match="made with that already"):
            library.build_migration(Target(text_models=("minilm-dense",)), silent)
        # What is added from now on has it, too.
        mill = write_text_pdf(tmp_path / "mill.pdf", "The mill grinds barley for the village.")
        library.ingest([mill], silent)
        assert library.search("who grinds barley", 1).hits[0].scores.dense > 0.3
        with open_library(tmp_path / "fresh", text_models=("minilm-dense",)) as fresh:
            fresh.ingest([made.files, mill], silent)
            assert list_stored(library) == list_stored(fresh)
            assert_found_alike(library, fresh)
            assert list_dense(library) == pytest.approx(list_dense(fresh), abs=1e-4)
        assert library.drop_old() > 0
        library.build_migration(POOLED, silent)
        library.switch_migration(silent)
        library.drop_old()
    # Opened anew, without naming what it was moved to.
    with open_library(folder) as library:
        assert library.encoder.key.endswith("/pool-2")
        assert library.encoders.text_names == ("minilm-dense",)
        assert library.search("plum cake", 1).hits[0].scores.dense > 0.3
        library.build_migration(Target(text_models=()), silent)
        library.switch_migration(silent)
        assert library.encoders.texts.spaces == ()
        assert library.search("plum cake", 1).hits[0].scores.dense is None
        assert library.examine(silent).is_healthy
    with pytest.raises(EncoderMismatch, match="with no text model, not with minilm-dense"):
        open_library(folder, text_models=("minilm-dense",))


def list_dense(library):
    """The score of each page in the dense channel, best first, for each question."""
    return [
        hit.scores.dense
        for question in QUESTIONS
        for hit in library.search(question, 20, mode=Mode.TEXT, only=Ranking.DENSE).hits
    ]


def test_the_interval_of_a_difference_is_that_of_the_paired_bootstrap():
    differences = np.random.default_rng(3).normal(-0.1, 0.2, 200)
    before = np.full(200, 0.6)
    low, high = bound_difference(before, before + differences)
    # For so many the normal distribution is close.
    error = 1.96 * differences.std() / np.sqrt(len(differences))
    assert low == pytest.approx(differences.mean() - error, abs=0.003)
    assert high == pytest.approx(differences.mean() + error, abs=0.003)
    assert bound_difference([1.0] * 6, [1.0] * 6) == (0, 0)
    # A few may all be worse by chance.
    assert bound_difference([1.0] * 5, [0.0] * 5) == (-1, 1)
    assert bound_difference([1.0] * 6, [0.0] * 6) == (-1, -1)
    assert bound_difference([], []) == (-1, 1)
    assert Comparison(200, False, 0.6, 0.5, low, high).is_clearly_worse
    assert not Comparison(200, False, 0.6, 0.6, -0.01, 0.0).is_clearly_worse


def test_what_cannot_be_meant_is_refused_and_changes_nothing(folder):
    with open_library(folder) as library:
        for target, error, reason in (
            (Target(), MigrationNotPossible, "--to begins one"),
            (Target(model="minilm-layout"), MigrationNotPossible, "made with that already"),
            (Target(pool_factor=1), MigrationNotPossible, "made with that already"),
            (Target(model="no-such-model"), UnknownEncoder, "no-such-model"),
        ):
            with pytest.raises(error, match=reason):
                library.build_migration(target, silent)
        with pytest.raises(MigrationNotPossible, match="one index alone"):
            library.switch_migration(silent)
        assert library.migration().migration is None
        assert sorted(path.name for path in folder.glob("index*")) == ["index"]
        # How vectors are stored can be all that changes.
        library.build_migration(Target(storage=VectorStorage.FLOAT16), silent)
        with pytest.raises(MigrationNotPossible, match="another second index"):
            library.build_migration(POOLED, silent)
        library.switch_migration(silent)
        assert library.encoders.vector_storage is VectorStorage.FLOAT16
        with pytest.raises(MigrationNotPossible, match="--roll-back"):
            library.build_migration(Target(storage=VectorStorage.TURBO4), silent)
    with open_library(folder, read_only=True) as library:
        for change in (library.roll_back, library.switch_migration):
            with pytest.raises(ReadOnlyLibrary):
                change(silent)
        with pytest.raises(ReadOnlyLibrary):
            library.build_migration(POOLED, silent)
        with pytest.raises(ReadOnlyLibrary):
            library.drop_old()


def test_a_backup_holds_the_index_that_is_searched_alone(folder, tmp_path):
    with open_library(folder) as library:
        library.build_migration(POOLED, silent)
        library.switch_migration(silent)
        library.backup(tmp_path / "library.tar.gz", silent)
        restore_library(tmp_path / "library.tar.gz", tmp_path / "restored", silent)
        assert [path.name for path in (tmp_path / "restored").glob("index*")] == ["index"]
        with open_library(tmp_path / "restored") as restored:
            assert restored.encoder.key.endswith("/pool-2")
            assert restored.migration().migration is None
            assert_found_alike(restored, library)
            assert restored.examine(silent).is_healthy


def test_pages_are_rendered_for_an_encoder_of_pictures(made, tmp_path, tiny_checkpoint):
    checkpoint = str(tiny_checkpoint("colidefics3"))
    choices = {"skip_self_test": True, "dtype": "float32"}
    folder = tmp_path / "library"
    with open_library(folder, **choices) as library:
        library.ingest([made.files / "comet.pdf", made.files / "dusk.png"], silent)
        lost = library.find_document("dusk.png").document_id
        library._files.find_original(lost).rename(tmp_path / "dusk.png")
        left_out = library.build_migration(Target(model=checkpoint), silent)
        assert left_out == ["dusk.png, page 1: the library has lost its original"]
        library.switch_migration(silent)
        assert library.status().encoder == checkpoint
        # It is still found by its looks.
        assert library._index.fetch_photo(lost, 0) is not None
        with open_library(tmp_path / "fresh", model=checkpoint, **choices) as fresh:
            fresh.ingest([made.files / "comet.pdf"], silent)
            alike = [page for page in list_stored(library) if page[0] == "comet.pdf"]
            assert alike == list_stored(fresh)


def test_an_index_on_a_server_is_moved_and_rolled_back_and_dropped(made, tmp_path):
    with serve_local_qdrant() as url:
        with open_library(tmp_path / "library", qdrant_url=url) as library:
            library.ingest([made.files / "bakery.pdf"], silent)
            first = library.status().collection
            library.build_migration(POOLED, silent)
            library.switch_migration(silent)
            assert library.status().collection.startswith(f"{first}-")
            assert library.search("plum cake", 1).hits[0].page_number == 1
            library.roll_back(silent)
            assert library.status().collection == first
            library.build_migration(POOLED, silent)
            library.switch_migration(silent)
            moved = library.status().collection
            assert library.drop_old() == 0
        with open_library(tmp_path / "library", qdrant_url=url) as library:
            assert library.status().collection == moved
            assert library.search("plum cake", 1).hits[0].page_number == 1
            assert library.examine(silent).is_healthy
