"""A library changes its encoder while it is searched: built, compared, switched, rolled back."""

import signal
import threading

import pytest

from app.library_status import read_status
from app.migration_record import MigrationState, Target
from app.restore import restore_library
from retrieval.errors import MigrationNotPossible
from retrieval.index.base import VectorStorage
from tests.app.api.test_command_line import run
from tests.app.moving import (
    POOLED,
    QUESTIONS,
    WAIT_S,
    assert_found_alike,
    list_stored,
    open_library,
    searched,
    silent,
)
from tests.documents import write_text_pdf
from tests.terminal import ROOT, run_python

KILLED_S = 150

# A process that moves a library while it is searched, and is killed at the first word of a stage.
KILLED = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.app.moving import POOLED, open_library, searched

def kill(progress):
    assert found and not failed, failed
    if progress.stage == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

with open_library(Path(sys.argv[1])) as library, searched(library) as (found, failed):
    library.build_migration(POOLED, kill)
"""


def test_a_migration_under_search_load_is_killed_twice_and_ends_as_a_fresh_library(
    moving, copied, tmp_path
):
    for stage in ("encoding", "comparing"):
        ended = run_python("-c", KILLED, str(copied), stage, timeout_s=KILLED_S)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        status = read_status(copied)
        assert status.migration.state is MigrationState.ENCODING
        assert 0 < status.migrated_pages[0] <= 10
        assert status.migrated_pages[1] == 10
    with open_library(copied) as library, searched(library) as (found, failed):
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
        open_library(copied) as moved,
        open_library(tmp_path / "fresh", pool_factor=2) as fresh,
    ):
        fresh.ingest([moving.files], silent)
        assert moved.encoder.key == fresh.encoder.key
        assert list_stored(moved) == list_stored(fresh)
        assert_found_alike(moved, fresh)
        assert moved.count() == fresh.count()
        assert moved.examine(silent).is_healthy


# A process that is asked to move a library, and is killed as it opens the encoders for that.
KILLED_AT_OPENING = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.app.moving import POOLED, open_library

def kill(target):
    os.kill(os.getpid(), signal.SIGKILL)

with open_library(Path(sys.argv[1])) as library:
    library.encoders.open_target = kill
    library.begin_migration(POOLED)
    library.migrating.join()
"""


def test_what_was_asked_is_gone_on_with_though_the_process_was_killed_before_it_began(
    copied,
):
    ended = run_python("-c", KILLED_AT_OPENING, str(copied), timeout_s=KILLED_S)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert read_status(copied).order == POOLED
    said = "Migration to pool factor 2: asked for, not begun (`pagelens migrate` begins it"
    assert said in run("status", "--library", copied)[1]
    with open_library(copied) as library:
        assert library.migration().migration is None
        assert library.migration().order == POOLED
        library.begin_migration(Target(), only_build=True)
        library.migrating.join()
        done = library.migration()
        assert (done.error, done.order) == (None, None)
        assert done.migration.state is MigrationState.READY
        assert done.migration.encoder.startswith("minilm-layout, pool factor 2")


def test_what_was_asked_in_vain_is_not_asked_again(copied, tmp_path):
    (tmp_path / "empty").mkdir()
    with open_library(copied) as library:
        library.begin_migration(Target(model=str(tmp_path / "empty")))
        library.migrating.join()
        assert library.migration().error is not None
        assert library.migration().order is None
        with pytest.raises(MigrationNotPossible, match="--to begins one"):
            library.build_migration(Target(), silent)


def test_what_was_asked_and_is_not_begun_can_be_taken_back(copied):
    asked = Target("minilm-layout", 2, VectorStorage.TURBO8, ("minilm-dense",))
    with open_library(copied) as library:
        library._note_order(asked)
        assert library.migration().order == asked
        assert library.drop_old() == 0
        assert library.migration().order is None


def test_what_changes_meanwhile_is_in_the_new_index_and_after_a_roll_back_in_the_old(
    copied, tmp_path
):
    mill = write_text_pdf(tmp_path / "mill.pdf", "The mill grinds barley for the village.")
    sail = write_text_pdf(tmp_path / "sail.pdf", "A sail is mended with a needle and wax.")
    with open_library(copied) as library:
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
    assert not (copied / "index").exists()
    with open_library(copied) as library:
        assert library.encoder.key.endswith("/pool-2")
        assert library.examine(silent).is_healthy
        assert library.list_tags()[0].tag == "shop"
        with pytest.raises(MigrationNotPossible, match="one index alone"):
            library.roll_back(silent)
        with pytest.raises(MigrationNotPossible, match="one index alone"):
            library.drop_old()


def test_a_document_that_is_being_added_goes_on_in_the_new_index(copied, tmp_path, monkeypatch):
    pages = [f"Chapter {i}: the mule carries sack {i} up the hill." for i in range(1, 31)]
    mule = write_text_pdf(tmp_path / "mule.pdf", *pages)
    with open_library(copied) as library:
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


def test_a_backup_holds_the_index_that_is_searched_alone(copied, tmp_path):
    with open_library(copied) as library:
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
