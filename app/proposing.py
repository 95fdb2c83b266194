"""Questions that are proposed for a library, for a person to check."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from PIL import Image

from app.proposals import Proposal, TitleReader, share_out
from app.questioning import Questioning
from ingest.documents import Documents
from ingest.files import LibraryFiles
from ingest.progress import OnProgress, Progress
from ingest.questions import hash_text, make_id
from ingest.spaces import Spaces
from retrieval.answering.base import Answerer, StopSignal
from retrieval.answering.generated import GeneratingAnswerer
from retrieval.answering.question_writing import write_question
from retrieval.answering.records import FoundPage
from retrieval.errors import InvalidSetting, JobNotPossible, PagelensError, QuestionExists
from retrieval.questions import Question, QuestionOrigin, RelevantPage

# More than one sitting checks.
PROPOSED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class ProposalState:
    """How far a run that proposes questions has come.

    Attributes:
        done: documents that were read, or pages that a model was asked about.
        total: of so many; 0 before that is known.
        n_proposed: questions that it has added.
        error: why it ended early; None where it did not.
    """

    is_running: bool = False
    done: int = 0
    total: int = 0
    n_proposed: int = 0
    error: str | None = None


class Proposing(Questioning):
    """What a library, which is one, could be asked."""

    _documents: Documents
    _files: LibraryFiles
    _spaces: Spaces

    @property
    @abstractmethod
    def writes_answers(self) -> bool:
        """Whether a model writes answers; see `Answering`."""

    @abstractmethod
    def open_answerer(self) -> Answerer:
        """Who writes answers; see `Answering`."""

    @abstractmethod
    def page_picture(self, document_id: str, page_index: int) -> Image.Image | None:
        """The preview of a page; see `Library`."""

    def propose_questions(
        self,
        on_progress: OnProgress,
        *,
        limit: int = PROPOSED_AT_ONCE,
        with_model: bool = False,
        stop: StopSignal | None = None,
    ) -> Iterator[Question]:
        """Adds questions that nobody has checked yet, and yields each when it is there.

        Without a model they are titles, word for word: of outlines, of lines in large type, and of
        tables. Closing the iterator ends the work; what was added stays.

        Args:
            on_progress: called as documents are read, or pages asked about.
            limit: most questions that are added, or pages that a model is asked about.
            with_model: whether the model that writes answers writes one for each page instead.
            stop: ends the wait for a model.

        Raises:
            InvalidSetting: there is no such model.
            AnswerFailed: it writes nothing.
            ReadOnlyLibrary: nobody may change the library.
        """
        self.check_writable()
        if not with_model:
            return self._propose_titles(on_progress, limit)
        if not self.writes_answers:
            raise InvalidSetting(
                "no model writes questions: PAGELENS_ANSWER_URL and PAGELENS_ANSWER_MODEL name one"
            )
        return self._ask_model(on_progress, limit, stop or StopSignal())

    def _propose_titles(self, on_progress: OnProgress, limit: int) -> Iterator[Question]:
        documents, known = self.list_documents(), self._questions.list_keys()
        with self._spaces.reading() as space:
            reader = TitleReader(self._documents, self._files, space.index)
            proposals = reader.propose(documents, known, on_progress)
        for proposal in share_out(proposals, limit):
            yield from self._add(proposal, QuestionOrigin.HEADINGS)

    def _ask_model(
        self, on_progress: OnProgress, limit: int, stop: StopSignal
    ) -> Iterator[Question]:
        answerer = self.open_answerer()
        assert isinstance(answerer, GeneratingAnswerer), "a model writes"
        asked_for = {
            (page.document_id, page.page_index)
            for question in self.list_questions(checked_only=False)
            for page in question.pages
        }
        names = {document.document_id: document for document in self.list_documents()}
        pages = [
            [
                (document_id, page.page_index)
                for page in self._documents.list_pages(document_id)
                if page.error is None and (document_id, page.page_index) not in asked_for
            ]
            for document_id in names
        ]
        chosen = share_out(pages, limit)
        for done, (document_id, page_index) in enumerate(chosen):
            document = names[document_id]
            on_progress(Progress("asking", done, len(chosen), document.name))
            with self._spaces.reading() as space:
                (words,) = space.index.fetch_words([(document_id, page_index)])
            picture = self.page_picture(document_id, page_index)
            page = FoundPage(document_id, document.name, page_index, document.kind, words, picture)
            text = write_question(answerer, page, stop)
            if text is not None and hash_text(text) not in self._questions.list_keys():
                proposal = Proposal(text, RelevantPage(document_id, page_index))
                yield from self._add(proposal, QuestionOrigin.MODEL)
        on_progress(Progress("asking", len(chosen), len(chosen), ""))

    def _add(self, proposal: Proposal, origin: QuestionOrigin) -> Iterator[Question]:
        question = Question(
            make_id(),
            proposal.text,
            origin,
            False,
            (proposal.page,),
            datetime.now(timezone.utc),
        )
        # Somebody may have asked it meanwhile, or a model the same of two pages.
        with suppress(QuestionExists):
            self._questions.add([question])
            yield question


class _Stopped(Exception):
    """Ends a run from within."""


class ProposalRun:
    """Proposes questions in a thread, one run at a time, while others look how far it is."""

    def __init__(self, library: Proposing) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = StopSignal()
        self._is_stopping = False
        self._state = ProposalState()

    def start(self, *, limit: int = PROPOSED_AT_ONCE, with_model: bool = False) -> ProposalState:
        """Begins a run.

        Raises:
            JobNotPossible: one is under way.
            InvalidSetting, ReadOnlyLibrary: as `Proposing.propose_questions`.
        """
        with self._lock:
            if self._state.is_running:
                raise JobNotPossible("questions are being proposed already")
            self._stop, self._is_stopping = StopSignal(), False
            questions = self._library.propose_questions(
                self._report, limit=limit, with_model=with_model, stop=self._stop
            )
            self._state = ProposalState(is_running=True)
            self._thread = threading.Thread(target=self._run, args=(questions,), name="proposing")
            self._thread.start()
            return self._state

    def look(self) -> ProposalState:
        """How far the run is that was started last."""
        return self._state

    def stop(self) -> None:
        """Ends the run; what was proposed stays."""
        self._is_stopping = True
        self._stop.set()

    def close(self) -> None:
        """Ends the run, and waits until it has ended."""
        self.stop()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _report(self, progress: Progress) -> None:
        if self._is_stopping:
            raise _Stopped
        self._state = replace(self._state, done=progress.done, total=progress.total)

    def _run(self, questions: Iterator[Question]) -> None:
        error = None
        try:
            for _ in questions:
                self._state = replace(self._state, n_proposed=self._state.n_proposed + 1)
        except _Stopped:
            pass
        except PagelensError as failure:
            # What is waited for when it is stopped fails.
            error = None if self._is_stopping else str(failure)
        except Exception:
            error = "the run failed; the log of the server says why"
            raise
        finally:
            self._state = replace(self._state, is_running=False, error=error)
