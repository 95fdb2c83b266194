"""How a library changes its encoder: a second index is built beside the first, and then searched.

Searches go on all the while. What is done stands in the database, page by page, so that it goes on
where it was, whatever ends it; which index is searched is one value there, and the same transaction
that writes it writes what is known of the pages.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from app.encoders import OpenedTarget, check_name, describe_space
from app.index_choice import index_folder, remove_index
from app.migration_record import (
    Migration,
    MigrationState,
    Target,
    count_pages,
    find_other,
    read_migration,
    read_order,
)
from app.migration_thread import MigrationThread
from app.searching import Searching
from app.settings import Settings
from app.settling import Settling
from app.space_comparison import compare_spaces, judge_by_ids, sample_questions
from app.text_models import read_text_keys
from ingest.documents import (
    ACTIVE_SPACE,
    COLLECTION,
    ENCODER_KEY,
    FIRST_SPACE,
    MIGRATION,
    MIGRATION_ORDER,
    OF_SPACE,
    PAGES_PER_SECOND,
    VECTOR_STORAGE,
    name_setting,
)
from ingest.files import LibraryFiles
from ingest.locks import DocumentTaken, LibraryLocks, give_up
from ingest.migration import CatchUp, must_render
from ingest.progress import OnProgress, Progress
from ingest.render_pool import RenderPool
from ingest.space_encoding import SpaceEncoding
from ingest.space_pages import SpacePages, switch_spaces
from ingest.space_settings import SpaceSettings
from ingest.spaces import Space
from retrieval.disk import count_bytes
from retrieval.errors import (
    EncoderWorse,
    IngestStopped,
    MigrationNotPossible,
    PagelensError,
)
from retrieval.questions import Question
from retrieval.records import Hit
from retrieval.search import SearchOptions
from retrieval.text_encoders.opening import check_text_name

# While more pages than these are missing, they are written before anybody has to wait for it.
LAST_PAGES = 8

# The lock of whoever builds or removes an index.
MIGRATION_LOCK = "migration"


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """How far a library's move to another encoder has come.

    Attributes:
        migration: what the database says; None where the library has one index alone.
        pages: how many are in the index that is not searched, and of how many.
        is_at_work: whether this process is at it.
        progress: what it is doing; None if it is not at it.
        error: why it has stopped; None if nothing is wrong.
        left_out: pages that could not be looked at, and why.
        order: what was asked for, as long as it is not begun; None afterwards.
    """

    migration: Migration | None
    pages: tuple[int, int]
    is_at_work: bool
    progress: Progress | None
    error: PagelensError | None
    left_out: tuple[str, ...]
    order: Target | None


class Migrating(Searching):
    """How a library, which is one, changes its encoder."""

    folder: Path
    migrating: MigrationThread
    _settings: Settings
    _files: LibraryFiles
    _locks: LibraryLocks
    _settling: Settling
    _is_closing: bool

    @abstractmethod
    def check_writable(self) -> None:
        """Refuses what would change a library that is read-only; see `Library`."""

    @abstractmethod
    def list_judged_questions(self) -> list[Question]:
        """The questions that a library is measured by; see `Questioning`."""

    def migration(self) -> MigrationStatus:
        """How far its move to another encoder has come."""
        # Asked first: what it has ended with is in the database then.
        at_work = self.migrating
        is_at_work = at_work.is_at_work
        migration = read_migration(self._documents)
        return MigrationStatus(
            migration,
            count_pages(self._documents, migration),
            is_at_work,
            at_work.progress,
            at_work.error,
            at_work.left_out,
            read_order(self._documents),
        )

    @property
    def index_folder(self) -> Path:
        """Where the index that is searched is, unless it is on a server."""
        return index_folder(self._settings, self._spaces.active.settings)

    def begin_migration(
        self, target: Target, *, only_build: bool = False, force: bool = False
    ) -> None:
        """Builds the second index and switches to it, while this process does other things.

        What is asked for is stored when it returns: whatever ends the process, it can be gone on
        with.

        Args:
            target: what the library shall be moved to.
            only_build: whether to leave the switch to somebody who has seen how both compare.
            force: whether to switch also where the new encoder is clearly worse.

        Raises:
            MigrationNotPossible: this process, or another, is at it already.
            UnknownEncoder: the target's name is none.
            ReadOnlyLibrary: nobody may change the library.
        """
        self.check_writable()
        if target.model is not None:
            check_name(target.model)
        for name in target.text_models or ():
            check_text_name(name)

        def work(on_progress: OnProgress) -> list[str]:
            left_out = self.build_migration(target, on_progress)
            if not only_build:
                left_out += self.switch_migration(on_progress, force=force)
            return left_out

        def note() -> None:
            with self._alone_at_it():
                self._note_order(target)

        self.migrating.begin(work, note)

    def build_migration(self, target: Target, on_progress: OnProgress) -> list[str]:
        """Builds a second index with another encoder, or goes on with it, and compares both.

        Args:
            target: what the library shall be moved to; nothing to go on with what was begun.
            on_progress: called as pages are encoded and questions asked.

        Returns:
            Pages that could not be looked at, with the reason.

        Raises:
            MigrationNotPossible: there is another second index, or nothing to go on with.
            IngestStopped: the library was closed meanwhile.
            PagelensError: an encoder is unknown, or its weights cannot be had.
        """
        self.check_writable()
        with self._alone_at_it():
            migration = self._begin(target)
            source, space = self._spaces.follow(), self._spaces.open(migration.after)
            report = self._report_to(on_progress)
            with self._catching_up(source, space) as catch_up:
                left_out = catch_up.run(self._locks.writing, report)[1]
                self._settling.settle(report, space)
                questions = judge_by_ids(self.list_judged_questions())
                is_sampled = not questions.questions
                if is_sampled:
                    questions = sample_questions(self._documents, source)
                comparison = compare_spaces(
                    source, space, questions, self._find_in(), report, is_sampled=is_sampled
                )
            ready = replace(migration, state=MigrationState.READY, comparison=comparison)
            self._documents.write_setting(MIGRATION, ready.dump())
            return left_out

    def switch_migration(self, on_progress: OnProgress, *, force: bool = False) -> list[str]:
        """Has the new index searched instead of the old one, which is kept.

        What was added, deleted or given tags since it was built is done there, too, the last of it
        while nobody may change the library. Searches under way end in the old one.

        Args:
            on_progress: called as pages are encoded.
            force: whether to switch also where the new encoder is clearly worse.

        Returns:
            Pages that could not be looked at, with the reason.

        Raises:
            EncoderWorse: the new encoder finds the right pages clearly worse, and no `force`.
            MigrationNotPossible: there is no new index, or it was not compared yet.
        """
        self.check_writable()
        with self._alone_at_it():
            migration = self._require(MigrationState.READY)
            compared = migration.comparison
            if compared is not None and compared.is_clearly_worse and not force:
                raise EncoderWorse(
                    f"{migration.encoder} finds the right pages clearly worse than "
                    f"{migration.encoder_before}: nDCG@10 {compared.ndcg_after:.3f} instead of "
                    f"{compared.ndcg_before:.3f} (95 % interval of the difference "
                    f"{compared.low:+.3f} to {compared.high:+.3f}); the library was not moved"
                )
            switched = replace(migration, state=MigrationState.SWITCHED)
            return self._move(migration.after, switched, on_progress)

    def roll_back(self, on_progress: OnProgress) -> list[str]:
        """Has the old index searched again, with what has changed since; the new one is kept.

        Raises:
            MigrationNotPossible: the library was not moved, or the old index is removed.
        """
        self.check_writable()
        with self._alone_at_it():
            migration = self._require(MigrationState.SWITCHED)
            rolled_back = replace(migration, state=MigrationState.ROLLED_BACK)
            return self._move(migration.before, rolled_back, on_progress)

    def begin_roll_back(self) -> None:
        """Rolls back while this process does other things; see `roll_back`."""
        self.check_writable()
        self.migrating.begin(self.roll_back)

    def begin_switch(self, *, force: bool = False) -> None:
        """Switches while this process does other things; see `switch_migration`."""
        self.check_writable()
        self.migrating.begin(partial(self.switch_migration, force=force))

    def drop_old(self) -> int:
        """Removes the index that is not searched, whole or half built, with all known of it.

        What was asked for and is not begun is forgotten.

        Returns:
            How many bytes of the disk it took; 0 where a Qdrant server held it.

        Raises:
            MigrationNotPossible: there is none.
        """
        self.check_writable()
        with self._alone_at_it():
            migration = read_migration(self._documents)
            if migration is None and read_order(self._documents) is not None:
                self._documents.write_settings({MIGRATION_ORDER: None})
                return 0
            if migration is None:
                raise MigrationNotPossible("the library has one index alone, and that is searched")
            other = self._spaces.settings(find_other(self._documents, migration))
            dropping = replace(migration, state=MigrationState.DROPPING)
            # First, as half of it must not be searched again.
            self._documents.write_setting(MIGRATION, dropping.dump())
            self._spaces.close_other(other.name)
            self.encoders.forget_others()
            n_bytes = count_bytes(index_folder(self._settings, other))
            remove_index(self._settings, other)
            self._files.remove_codebook(other.name)
            self._pages_of(other.name).clear()
            kept = COLLECTION if other.name == FIRST_SPACE else None
            forgotten = [name_setting(each, other.name) for each in OF_SPACE if each != kept]
            self._documents.write_settings({**dict.fromkeys(forgotten), MIGRATION: None})
            return n_bytes

    def _begin(self, target: Target) -> Migration:
        """The migration to go on with, noted before the first page is written."""
        migration = read_migration(self._documents)
        if migration is None and target == Target():
            order = read_order(self._documents)
            if order is None:
                raise MigrationNotPossible("there is no migration to go on with: --to begins one")
            target = order
        self._note_order(target)
        opened = None if target == Target() else self._open_target(target, migration)
        if migration is not None:
            return self._require(
                MigrationState.ENCODING, MigrationState.READY, MigrationState.ROLLED_BACK
            )
        assert opened is not None, "there is something to go on with, or a target"
        active = self._spaces.follow()
        begun = Migration(
            active.name,
            opened.name,
            describe_space(active.settings.read),
            describe_space(opened.settings.get),
            MigrationState.ENCODING,
        )
        settings = {name_setting(key, opened.name): value for key, value in opened.settings.items()}
        self._documents.write_settings({**settings, MIGRATION: begun.dump(), MIGRATION_ORDER: None})
        return begun

    def _note_order(self, target: Target) -> None:
        """Stores what is asked for: a process may be ended while it opens the encoders of it."""
        if target != Target() and read_migration(self._documents) is None:
            self._documents.write_setting(MIGRATION_ORDER, target.resolve().dump())

    def _open_target(self, target: Target, migration: Migration | None) -> OpenedTarget:
        try:
            opened = self.encoders.open_target(target)
            self._check_target(opened, migration)
        except Exception:
            # Whoever asked is told; it shall not be tried again by itself.
            self._documents.write_settings({MIGRATION_ORDER: None})
            raise
        return opened

    def _check_target(self, opened: OpenedTarget, migration: Migration | None) -> None:
        if _is_made_with(self._spaces.follow().settings, opened):
            raise MigrationNotPossible("the library is made with that already")
        if migration is None:
            return
        other = self._spaces.settings(find_other(self._documents, migration))
        if migration.state is MigrationState.SWITCHED and _is_made_with(other, opened):
            raise MigrationNotPossible(
                "the library was made with that, and still has the index: `pagelens migrate "
                "--roll-back` goes back to it"
            )
        if migration.after != opened.name:
            raise MigrationNotPossible(
                f"there is another second index, from a migration from {migration.encoder_before} "
                f"to {migration.encoder}: `pagelens migrate --drop-old` removes the one that is "
                "not searched"
            )

    def _require(self, *states: MigrationState) -> Migration:
        migration = read_migration(self._documents)
        if migration is None:
            raise MigrationNotPossible("the library has one index alone")
        if migration.state not in states:
            raise MigrationNotPossible(
                f"the migration from {migration.encoder_before} to {migration.encoder} is "
                f"{migration.state.value}"
            )
        return migration

    def _move(self, to: str, migration: Migration, on_progress: OnProgress) -> list[str]:
        source, space = self._spaces.follow(), self._spaces.open(to)
        report = self._report_to(on_progress)
        with self._catching_up(source, space) as catch_up:
            n_written, left_out = LAST_PAGES + 1, []
            while n_written > LAST_PAGES:
                n_written, more = catch_up.run(self._locks.writing, report)
                left_out += more
            self._settling.settle(report, space)
            with self._locks.alone():
                left_out += catch_up.run(nullcontext, report)[1]
                switch_spaces(
                    self._documents.database,
                    source.name,
                    space.name,
                    {
                        ACTIVE_SPACE: space.name,
                        MIGRATION: migration.dump(),
                        # How fast the other encoder will be is not known.
                        PAGES_PER_SECOND: None,
                    },
                )
                self._spaces.follow()
        return left_out

    @contextmanager
    def _catching_up(self, source: Space, space: Space) -> Iterator[CatchUp]:
        renders = must_render(source, space)
        with (
            SpaceEncoding(space) as encoding,
            RenderPool() if renders else nullcontext() as pool,
        ):
            pages = self._pages_of(space.name)
            yield CatchUp(self._files, self._documents, pages, source, space, encoding, pool)

    @contextmanager
    def _alone_at_it(self) -> Iterator[None]:
        try:
            with self._locks.document(MIGRATION_LOCK, give_up):
                yield
        except DocumentTaken as error:
            raise MigrationNotPossible("the library's other index is being worked on") from error

    def _find_in(self) -> Callable[[Space, str, int], tuple[Hit, ...]]:
        """Asks a space as people do, and keeps no question."""
        photos = self.encoders.open_photos() if self._has_photos() else None
        ears = self.encoders.sounds.open_held()
        reranker = self.encoders.open_reranker()

        def find(space: Space, text: str, limit: int) -> tuple[Hit, ...]:
            return self._ask_space(
                space, text, SearchOptions(limit), photos, ears, reranker, time.perf_counter()
            ).hits

        return find

    def _report_to(self, on_progress: OnProgress) -> OnProgress:
        def report(progress: Progress) -> None:
            if self._is_closing:
                raise IngestStopped(
                    "the library was closed while it was moved to another encoder; "
                    "`pagelens migrate` goes on"
                )
            on_progress(progress)

        return report

    def _pages_of(self, space: str) -> SpacePages:
        return SpacePages(self._documents.database, space)


def _is_made_with(space: SpaceSettings, target: OpenedTarget) -> bool:
    """Whether a space has the vectors that a target would have; text models in any order."""
    texts = set(read_text_keys(space.read)) == set(read_text_keys(target.settings.get))
    return texts and all(
        target.settings[key] == space.read(key) for key in (ENCODER_KEY, VECTOR_STORAGE)
    )
