"""The Library: the one façade that command line, API and web page call."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType

from PIL import Image

from app.answering import Answering
from app.backup import write_backup
from app.cataloguing import Cataloguing
from app.comparing import Comparing
from app.comparison_run import ComparisonRun
from app.doctor import Diagnosis, examine, repair
from app.encoders import LibraryEncoders, check_name
from app.files_choice import open_files
from app.library_status import LibraryStatus, describe_status
from app.lock import holds_nothing, lock_library, make_folder, remove_contents, remove_empty
from app.migrating import Migrating
from app.migration_thread import MigrationThread
from app.proposing import ProposalRun, Proposing
from app.settings import Settings
from app.settling import Settling
from app.space_choice import open_space
from app.viewing import Viewing
from ingest.documents import (
    PAGES_PER_SECOND,
    Counts,
    Document,
    Documents,
    PageRecord,
)
from ingest.files import remove_document
from ingest.ingestion import Ingestion
from ingest.job_table import Jobs
from ingest.jobs import Job, JobState
from ingest.locks import open_locks
from ingest.progress import IngestReport, OnFile, OnProgress, Progress, pass_over
from ingest.questions import Questions
from ingest.run import run_ingest
from ingest.sharp_pages import SharpPages
from ingest.sources import Refusal
from ingest.spaces import Spaces
from retrieval.errors import (
    AmbiguousDocument,
    BackupNotWritten,
    IngestStopped,
    InvalidLibraryPath,
    LibraryUnusable,
    ReadOnlyLibrary,
    UnknownDocument,
    UnknownJob,
)
from retrieval.evidence import draw_evidence
from retrieval.records import Hit
from retrieval.text_encoders.opening import check_text_name

# Pages from which on a run says how fast the next one will be.
PACE_PAGES = 20

# So short a prefix of an id is more likely a name.
ID_PREFIX_CHARACTERS = 6


class Library(Answering, Viewing, Cataloguing, Proposing, Comparing, Migrating):
    """A library folder, held by this process: adds, finds, shows and deletes documents."""

    def __init__(self, settings: Settings) -> None:
        """Opens the library folder, or makes it.

        Raises:
            LibraryBusy: another process holds it.
            InvalidLibraryPath: it is a file.
            InvalidSetting: an endpoint for answers without the name of a model.
            EncoderMismatch: it is bound to another encoder.
            PagelensError: weights or index cannot be opened.
        """
        super().__init__(settings)
        self._settings = settings
        self.migrating = MigrationThread()
        self.folder = settings.library
        self.is_read_only = settings.read_only
        for name in (settings.model, settings.photo_model):
            check_name(name)
        for name in settings.text_models or ():
            check_text_name(name)
        if self.folder.exists() and not self.folder.is_dir():
            raise InvalidLibraryPath(f"{self.folder} is a file, not a library folder")
        try:
            made = make_folder(self.folder)
        except OSError as error:
            raise LibraryUnusable(f"{self.folder}: {error.strerror or error}") from error
        # Of a shared library nothing in the folder is one process's alone.
        self._lock = None if settings.is_shared else lock_library(self.folder)
        is_new = bool(self._lock) and holds_nothing(self.folder) and not settings.database_url
        try:
            self._documents = Documents(
                self.folder, settings.database_url, may_join=settings.may_join
            )
            self.encoders = LibraryEncoders(self.folder, self._documents, settings)
            self._files = open_files(settings, self._documents)
            self._spaces = Spaces(
                self._documents,
                partial(open_space, settings, self.encoders, self._files),
                self.encoders.follow,
            )
            self._sharp_pages = SharpPages(self._files)
            self._locks = open_locks(self._documents.database, is_shared=settings.is_shared)
            self._jobs = Jobs(self._documents.database)
            self._questions = Questions(self._documents.database)
            self.jobs = Ingestion(
                self._files,
                self._spaces,
                self.encoders.open_photos,
                self.encoders.sounds.open,
                self.encoders.sounds.check_any,
                self._documents,
                self._jobs,
                self._locks,
                settings.page_limit,
                is_shared=settings.is_shared,
            )
            self._settling = Settling(self._spaces, self._locks)
            self.proposals = ProposalRun(self)
            self.comparison = ComparisonRun(self, settings)
            # How many runs want jobs to be worked on, and whoever serves.
            self._n_working = 0
            self._working_lock = threading.Lock()
            self._is_closing = False
            self._remove_unfinished()
        except BaseException:
            if is_new:
                # The next try shall not find a library that is bound to what did not work.
                remove_contents(self.folder)
            self._release()
            remove_empty(made)
            raise

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def begin_closing(self) -> None:
        """What is under way ends soon, and whoever waits for it is told why."""
        self._is_closing = True

    def close(self) -> None:
        """Stops an ingest under way, writes what is pending and lets the folder go."""
        self.begin_closing()
        self.proposals.close()
        self.comparison.close()
        self.migrating.join()
        self.jobs.stop()
        self._settling.close()
        self._sharp_pages.close()
        # A backup under way reads from both until it has noticed.
        with self._locks.alone():
            self._spaces.close()
            self._documents.close()
        self._release()

    def _release(self) -> None:
        if self._lock:
            self._lock.release()

    @property
    def upload_folder(self) -> Path:
        """Where files that are handed in by a browser or a program wait for their job."""
        folder = self.folder / "uploads"
        folder.mkdir(exist_ok=True)
        return folder

    def ingest(
        self,
        paths: Iterable[Path],
        on_progress: OnProgress,
        *,
        tags: Iterable[str] = (),
        are_uploads: bool = False,
        retry_failed: bool = False,
        optimize: bool = True,
        on_file: OnFile = pass_over,
    ) -> IngestReport:
        """Adds files and folders, and goes on with what was cut off; searches go on meanwhile.

        Args:
            paths: files, and folders with all below them.
            on_progress: called as files are checked and pages indexed.
            tags: what the documents added are called besides their names.
            are_uploads: whether the files are the library's own, to be removed once they are in;
                they go before others.
            retry_failed: whether to try again what was refused or failed before.
            optimize: whether to merge what was written at the end; not while others search.
            on_file: is told each file as soon as it is done with.

        Raises:
            PathNotFound: a path does not exist.
            ReadOnlyLibrary: nobody may change it.
            IngestStopped: the library was closed meanwhile.
        """
        self.check_writable()
        with self.work():
            ingested = run_ingest(
                self.jobs,
                self._documents,
                paths,
                on_progress,
                tags=tuple(tags),
                are_uploads=are_uploads,
                retry_failed=retry_failed,
                on_file=on_file,
                check=self._check_open,
            )
            pace = ingested.pages_per_second
            if pace is not None and ingested.pages >= PACE_PAGES:
                self._documents.write_setting(PAGES_PER_SECOND, f"{pace:.3f}")
            if ingested.pages:
                self._settling.settle(on_progress)
                if optimize:
                    self.optimize()
            return ingested

    def check_writable(self) -> None:
        """Comes before whatever changes the library because somebody asks for it.

        Raises:
            ReadOnlyLibrary: nobody may change it.
        """
        if self.is_read_only:
            raise ReadOnlyLibrary

    def announce(self, address: str) -> None:
        """Tells the processes that this one keeps out at which address the library is served."""
        if self._lock:
            self._lock.announce(address)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Works on jobs, those first that were cut off, for as long as it is entered.

        Raises:
            IngestStopped: the library is closed.
            IngestBusy: another library of this process is at work.
        """
        self._check_open()
        with self._working_lock:
            self.jobs.start()
            self._n_working += 1
        try:
            yield
        finally:
            with self._working_lock:
                self._n_working -= 1
                if not self._n_working:
                    self.jobs.stop()

    @contextmanager
    def keep_working(self) -> Iterator[None]:
        """Works on jobs as they come, and settles whenever none is left, until left itself."""
        with self.work():
            ending = threading.Event()
            settling = threading.Thread(target=self._settle_when_idle, args=(ending,))
            settling.start()
            try:
                yield
            finally:
                ending.set()
                settling.join()

    def _settle_when_idle(self, ending: threading.Event) -> None:
        def check(_: Progress) -> None:
            if ending.is_set():
                raise IngestStopped("the library was closed while its index was arranged")

        # What was cut off is begun anew without waiting for more pages.
        settled = -1 if self._settling.is_due else 0
        while not ending.is_set():
            if (written := self.jobs.wait_until_idle(settled)) > settled:
                with suppress(IngestStopped):
                    self._settling.settle(check)
                settled = written

    def _check_open(self) -> None:
        if self._is_closing:
            raise IngestStopped("the library was closed while files were being added")

    def optimize(self) -> None:
        """Makes the index small and quick after much was written.

        The embedded index answers nothing meanwhile, for seconds where it is large.
        """
        self._index.optimize()

    def count(self) -> Counts:
        """How much can be searched, and how many files were refused."""
        return self._documents.count()

    def status(self) -> LibraryStatus:
        """What the library holds, and what is under way."""
        return describe_status(self.folder, self._documents, self._jobs)

    def list_text_sources(self, document_id: str) -> dict[int, str]:
        """Where each page of a document has its words from, by page index."""
        pages = self._documents.list_pages(document_id)
        return {page.page_index: page.text_source.value for page in pages}

    def list_pages(self, document_id: str) -> list[PageRecord]:
        """What is known of each page of a document, in order."""
        return self._documents.list_pages(document_id)

    def find_original(self, document_id: str) -> Path:
        """The file that a document was made from.

        Raises:
            UnknownDocument: there is no such document, or its original is gone.
        """
        document = self.find_document(document_id)
        path = self._files.find_original(document.document_id)
        if path is None:
            raise UnknownDocument(f"{document.name}: the library has lost its original")
        return path

    def find_document(self, name: str) -> Document:
        """The document of this name, id, or prefix of an id.

        Raises:
            UnknownDocument, AmbiguousDocument: none, or more than one, answers to it.
        """
        # An id comes first: another document may bear it as its name.
        known = self._documents.find(name)
        if known is not None:
            return known
        documents = self.list_documents()
        found = [d for d in documents if d.name == name]
        if not found and len(name) >= ID_PREFIX_CHARACTERS:
            found = [d for d in documents if d.document_id.startswith(name)]
        if not found:
            raise UnknownDocument(f"no document is called {name!r}")
        if len(found) > 1:
            ids = ", ".join(d.document_id[:12] for d in found)
            raise AmbiguousDocument(f"{len(found)} documents are called {name!r}: {ids}")
        return found[0]

    def delete(self, document_id: str) -> None:
        """Removes a document with its original, previews and vectors.

        Raises:
            ReadOnlyLibrary: nobody may change it.
        """
        self.check_writable()
        with self._locks.writing():
            index = self._spaces.follow().index
            remove_document(self._files, document_id, index, self._documents)
        jobs = self._jobs.list_of_document(document_id)
        self._jobs.forget([task.job.job_id for task in jobs if task.job.state is JobState.DONE])

    def has_file(self, job: Job) -> bool:
        """Whether there is a file to try a job again with, which an upload may have lost."""
        kept = job.document_id and self._files.has_original(job.document_id)
        return bool(kept) or self.jobs.path_of(job.job_id).is_file()

    def can_retry(self, job: Job) -> bool:
        """Whether a job is over without a document, and there is a file to try it again with."""
        if job.state not in (JobState.FAILED, JobState.CANCELLED):
            return False
        try:
            return self.has_file(job)
        except UnknownJob:
            # Its file was handed in again meanwhile.
            return False

    def backup(self, file: Path, on_progress: OnProgress) -> Counts:
        """Writes the library into one new file; nothing is written meanwhile, searches go on.

        Raises:
            BackupNotWritten: there is such a file, it cannot be written, or the library was closed.
        """

        def report(progress: Progress) -> None:
            if self._is_closing:
                raise BackupNotWritten("the library was closed while it was being saved")
            on_progress(progress)

        with self._locks.alone():
            return write_backup(file, self._files, self._documents, self._spaces.follow(), report)

    def page_picture(self, document_id: str, page_index: int) -> Image.Image | None:
        """The preview of a page; None for a page that could not be rendered."""
        path = self._files.find_preview(document_id, page_index)
        if path is None:
            return None
        with Image.open(path) as picture:
            return picture.convert("RGB")

    def read_around(self, hit: Hit) -> list[tuple[int, str]]:
        """What the pages before and after a page say: (1-based page number, text)."""
        n_pages = self.find_document(hit.document_id).n_pages
        around = [i for i in (hit.page_index - 1, hit.page_index + 1) if 0 <= i < n_pages]
        with self._spaces.reading() as space:
            texts = space.index.fetch_texts([(hit.document_id, i) for i in around])
        return [(index + 1, " ".join(words)) for index, words in zip(around, texts, strict=True)]

    def lit_page(self, hit: Hit, word: str | None = None) -> Image.Image | None:
        """The preview of a page found, with its evidence lit up.

        Args:
            hit: where the page was found.
            word: one of `hit.evidence.words`, to show where that word alone matched.
        """
        picture = self.page_picture(hit.document_id, hit.page_index)
        if picture is None or hit.evidence is None:
            return picture
        evidence = hit.evidence if word is None else hit.evidence.of_word(word)
        return draw_evidence(picture, evidence)

    def has_lost_its_index(self) -> bool:
        """Whether the index is empty while documents are listed: a folder was removed, say."""
        return bool(self._documents.list_indexed_pages()) and self._index.count() == 0

    def examine(self, on_progress: OnProgress) -> Diagnosis:
        """Compares what is stored where, and the fast search with the exact one."""
        return examine(self._documents, self._files, self._spaces.follow(), on_progress)

    def repair(self, diagnosis: Diagnosis, on_progress: OnProgress) -> list[Refusal]:
        """Removes from the index what belongs to no document and makes anew what is missing.

        Returns:
            What could not be repaired, and why.

        Raises:
            ReadOnlyLibrary: nobody may change it.
        """
        self.check_writable()
        with self.work():
            failed = repair(
                diagnosis,
                self._documents,
                self._index,
                self.jobs,
                on_progress,
                self._check_open,
            )
            self.optimize()
            return failed

    def _remove_unfinished(self) -> None:
        """Removes what no job will go on with: of libraries copied without their jobs, say."""
        kept = {
            task.job.document_id
            for task in self._jobs.list_in(
                JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.FAILED
            )
        }
        for document in self._documents.list_unfinished():
            if document.document_id in kept:
                continue
            remove_document(self._files, document.document_id, self._index, self._documents)
