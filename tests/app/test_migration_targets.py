"""What a library may be moved to, and what it is not moved to."""

from dataclasses import replace

import numpy as np
import pytest

from app.migration_record import Comparison, Target, read_migration
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
from tests.app.moving import (
    POOLED,
    QUESTIONS,
    assert_found_alike,
    list_stored,
    open_library,
    silent,
)
from tests.documents import write_text_pdf
from tests.qdrant_local import serve_local_qdrant


def test_a_library_is_not_moved_to_an_encoder_that_is_clearly_worse(copied):
    with open_library(copied) as library:
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
    moving, copied, tmp_path
):
    with open_library(copied) as library:
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
            fresh.ingest([moving.files, mill], silent)
            assert list_stored(library) == list_stored(fresh)
            assert_found_alike(library, fresh)
            assert list_dense(library) == pytest.approx(list_dense(fresh), abs=1e-4)
        assert library.drop_old() > 0
        library.build_migration(POOLED, silent)
        library.switch_migration(silent)
        library.drop_old()
    # Opened anew, without naming what it was moved to.
    with open_library(copied) as library:
        assert library.encoder.key.endswith("/pool-2")
        assert library.encoders.text_names == ("minilm-dense",)
        assert library.search("plum cake", 1).hits[0].scores.dense > 0.3
        library.build_migration(Target(text_models=()), silent)
        library.switch_migration(silent)
        assert library.encoders.texts.spaces == ()
        assert library.search("plum cake", 1).hits[0].scores.dense is None
        assert library.examine(silent).is_healthy
    with pytest.raises(EncoderMismatch, match="with no text model, not with minilm-dense"):
        open_library(copied, text_models=("minilm-dense",))


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


def test_what_cannot_be_meant_is_refused_and_changes_nothing(copied):
    with open_library(copied) as library:
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
        assert sorted(path.name for path in copied.glob("index*")) == ["index"]
        # How vectors are stored can be all that changes.
        library.build_migration(Target(storage=VectorStorage.FLOAT16), silent)
        with pytest.raises(MigrationNotPossible, match="another second index"):
            library.build_migration(POOLED, silent)
        library.switch_migration(silent)
        assert library.encoders.vector_storage is VectorStorage.FLOAT16
        with pytest.raises(MigrationNotPossible, match="--roll-back"):
            library.build_migration(Target(storage=VectorStorage.TURBO4), silent)
    with open_library(copied, read_only=True) as library:
        for change in (library.roll_back, library.switch_migration):
            with pytest.raises(ReadOnlyLibrary):
                change(silent)
        with pytest.raises(ReadOnlyLibrary):
            library.build_migration(POOLED, silent)
        with pytest.raises(ReadOnlyLibrary):
            library.drop_old()


def test_pages_are_rendered_for_an_encoder_of_pictures(moving, tmp_path, tiny_checkpoint):
    checkpoint = str(tiny_checkpoint("colidefics3"))
    choices = {"skip_self_test": True, "dtype": "float32"}
    folder = tmp_path / "library"
    with open_library(folder, **choices) as library:
        library.ingest([moving.files / "comet.pdf", moving.files / "dusk.png"], silent)
        lost = library.find_document("dusk.png").document_id
        library._files.find_original(lost).rename(tmp_path / "dusk.png")
        left_out = library.build_migration(Target(model=checkpoint), silent)
        assert left_out == ["dusk.png, page 1: the library has lost its original"]
        library.switch_migration(silent)
        assert library.status().encoder == checkpoint
        # It is still found by its looks.
        assert library._index.fetch_photo(lost, 0) is not None
        with open_library(tmp_path / "fresh", model=checkpoint, **choices) as fresh:
            fresh.ingest([moving.files / "comet.pdf"], silent)
            alike = [page for page in list_stored(library) if page[0] == "comet.pdf"]
            assert alike == list_stored(fresh)


def test_an_index_on_a_server_is_moved_and_rolled_back_and_dropped(moving, tmp_path):
    with serve_local_qdrant() as url:
        with open_library(tmp_path / "library", qdrant_url=url) as library:
            library.ingest([moving.files / "bakery.pdf"], silent)
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
