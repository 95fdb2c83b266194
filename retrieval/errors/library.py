"""What goes wrong with a library: its folder, its tables, its documents, jobs and questions."""

from __future__ import annotations

from retrieval.errors.base import PagelensError


class UnknownDocument(PagelensError):
    """No document of the library has this name or id."""

    exit_code = 2
    remedy = "`pagelens status` lists what the library holds."


class UnknownPage(UnknownDocument):
    """The document has no page of this number, or no picture of it."""


class UnknownJob(PagelensError):
    """The library knows no job of this id."""

    exit_code = 2
    remedy = "GET /api/v1/jobs lists the jobs of a running server."


class AmbiguousDocument(PagelensError):
    """More than one document of the library answers to this name or id prefix."""

    exit_code = 2
    remedy = "Give the document id, or enough of its first characters."


class JobNotPossible(PagelensError):
    """A job is not in a state in which this can be done to it."""

    exit_code = 2


class MigrationNotPossible(PagelensError):
    """The library is not in a state in which it can be moved to another encoder, or back."""

    exit_code = 2
    remedy = "`pagelens status` tells how far it has come."


class EncoderWorse(MigrationNotPossible):
    """A library is not moved to an encoder that finds its pages clearly worse."""

    exit_code = 3
    remedy = "`pagelens migrate --force` moves it all the same, `--drop-old` removes the new index."


class PathNotFound(PagelensError):
    """A path given on the command line does not exist."""

    exit_code = 2


class InvalidLibraryPath(PagelensError):
    """There is no library at this path, or it is a file."""

    exit_code = 2
    remedy = (
        "`pagelens ingest FILES --library DIR` makes one; check --library and PAGELENS_LIBRARY."
    )


class InvalidEvaluationSet(PagelensError):
    """An evaluation folder lacks a file or holds a line that cannot be read."""

    exit_code = 2
    remedy = (
        "An evaluation folder holds corpus/, queries.jsonl (id, text) and qrels.tsv with the "
        "header query-id, file, page, relevance."
    )


class InvalidQuestions(InvalidEvaluationSet):
    """A file of questions cannot be read."""

    remedy = 'Each line holds {"id": "...", "text": "..."}.'


class InvalidQuestion(PagelensError):
    """A question for the library's evaluation set is empty, too long, or names no page."""

    exit_code = 2


class UnknownQuestion(PagelensError):
    """No question of the library's evaluation set has this id."""

    exit_code = 2
    remedy = "`pagelens questions list` lists them."


class QuestionExists(PagelensError):
    """The library's evaluation set has a question of this text already."""

    exit_code = 2
    remedy = "Edit or mark that one; `pagelens questions list` lists them."


class NoQuestions(PagelensError):
    """The library has no checked question that one of its pages answers."""

    exit_code = 2
    remedy = (
        "Mark the right page of a search, `pagelens questions import` an evaluation set, or "
        "`pagelens questions propose` and accept what fits."
    )


class InvalidSetting(PagelensError):
    """A PAGELENS_ environment variable is unknown or its value does not fit."""

    exit_code = 2


class LibraryBusy(PagelensError):
    """Another process holds the library."""

    exit_code = 4
    remedy = "Wait for it to finish, stop it, or name another library with --library."


class LibraryUnusable(PagelensError):
    """The library folder, or a file of it, cannot be read or written."""

    exit_code = 7
    remedy = (
        "Check the free space and the rights of the library folder, then run the command again."
    )


class ReadOnlyLibrary(PagelensError):
    """The library is shown, and nobody may change it."""

    exit_code = 7
    remedy = "Where it is served, PAGELENS_READ_ONLY=false, without --demo, lets it be changed."

    def __init__(
        self, message: str = "this library is read-only: it can be searched and looked at"
    ) -> None:
        super().__init__(message)


class DatabaseServerFailed(LibraryUnusable):
    """The PostgreSQL server that holds the documents does not answer, or refused what was asked."""

    remedy = (
        "Check that the PostgreSQL server at PAGELENS_DATABASE_URL runs and can be reached, and "
        "the user, password and database named there; then run the command again."
    )


class BucketFailed(LibraryUnusable):
    """The object store that holds originals and previews does not answer, or refuses."""

    remedy = (
        "Check that the bucket of PAGELENS_BUCKET is there and its keys and address are set in the "
        "environment as its client wants them; then run the command again."
    )


class LibraryMismatch(PagelensError):
    """The library's documents or files are in another place, or of another release."""

    exit_code = 6
    remedy = (
        "Set PAGELENS_DATABASE_URL and PAGELENS_BUCKET as they were when the library was made, or "
        "name a new folder with --library."
    )


class LibraryExists(PagelensError):
    """A library is to be restored into a folder that holds something."""

    exit_code = 2
    remedy = "Name a new folder with --library."


class BackupNotWritten(PagelensError):
    """A backup or an export could not be written; what there was of it is removed."""

    exit_code = 7
    remedy = "Choose another name, or make room; then run the command again."


class InvalidBackup(PagelensError):
    """A file is no backup, is torn or damaged, or holds what no backup holds."""

    exit_code = 7
    remedy = "Nothing was restored. Copy the file anew from where it was written, or take another."


class DiskFull(LibraryUnusable):
    """The disk of the library has no room for what is to be written."""

    remedy = "Free some space on the disk of the library folder, then try again."


class EvidenceNotSaved(PagelensError):
    """Pictures of evidence could not be written into the folder asked for."""

    exit_code = 2


class IngestBusy(PagelensError):
    """Files are being added already, to another library of this process."""


class WatchFailed(PagelensError):
    """The operating system does not let a folder be watched."""

    exit_code = 7
    remedy = (
        "Raise the system's limit (on Linux, fs.inotify.max_user_watches), or set "
        "WATCHFILES_FORCE_POLLING=1 to have the folders looked through instead."
    )


class IngestStopped(PagelensError):
    """The library was closed while files were being added; whole documents stay."""
