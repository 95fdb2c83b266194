"""Every failure that Pagelens names: one class each, with its exit code and its remedy.

They live in the lowest layer, since imports go `ui -> app -> ingest -> retrieval` and every layer
raises them. `app/errors.py` turns them into what a terminal shows.
"""

from __future__ import annotations

from typing import ClassVar

# A reason longer than this is cut: upstream errors may quote the file they failed on.
REASON_CHARACTERS = 240


class PagelensError(Exception):
    """Root of all errors that Pagelens raises on purpose; the message is one plain line."""

    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str] = ""


class UnknownEncoder(PagelensError):
    """The encoder or reranker named is neither in the catalog nor a folder."""

    exit_code = 2
    remedy = "`pagelens models` lists the models."


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


class FileRefused(PagelensError):
    """A file cannot become a document; the rest of its batch goes on.

    The reason may quote what a hostile file says, so it is made one short printable line here.
    """

    exit_code = 3

    def __init__(self, reason: str) -> None:
        line = "".join(c if c.isprintable() else " " for c in reason)
        line = " ".join(line.split())
        if len(line) > REASON_CHARACTERS:
            # What failed stands at its beginning, and how at its end.
            half = (REASON_CHARACTERS - 3) // 2
            line = f"{line[:half]}...{line[-half:]}"
        super().__init__(line)


class EmptyFile(FileRefused):
    """The file has zero bytes."""


class UnreadableFile(FileRefused):
    """The operating system does not let the file be read."""


class NotADocument(FileRefused):
    """The content is none of the supported formats, whatever the file's name says."""


class ConverterMissing(FileRefused):
    """An office file, and no LibreOffice on this machine."""

    remedy = "Install LibreOffice (Debian: libreoffice-core-nogui and its parts), or export a PDF."


class EncryptedDocument(FileRefused):
    """The PDF needs a password to be opened."""


class TruncatedFile(FileRefused):
    """The file ends before its content does."""


class DamagedFile(FileRefused):
    """The file begins like a document, but no reader can open it."""


class FileTooLarge(FileRefused):
    """The file is larger, or has more pages, than Pagelens agrees to read."""


class NoPages(FileRefused):
    """The document opens and has no page."""


class PageTooLarge(FileRefused):
    """A page or picture is larger than Pagelens agrees to render."""


class TooManyPages(FileRefused):
    """An uploaded document has more pages than the server takes."""


class RenderingFailed(FileRefused):
    """The rendering process crashed, ran out of memory, or took longer than its time limit."""


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


class WeightsRefused(PagelensError):
    """Model weights are missing or are not the file that Pagelens expects."""

    exit_code = 5
    remedy = (
        "Get the checkpoint anew, or choose another --model; weights that come with Pagelens are "
        "repaired by installing it again."
    )


class ModelNotOpenable(PagelensError):
    """The catalog lists the model, and says why Pagelens cannot open it."""

    exit_code = 5
    remedy = "Choose that model; `pagelens models` says of each what stands in the way."


class LicenceRefused(PagelensError):
    """Only models for commercial use are to be opened, and this is none, as far as is known."""

    exit_code = 5
    remedy = "Choose that model, or unset PAGELENS_COMMERCIAL where the use is not commercial."


class HubUnreachable(PagelensError):
    """A checkpoint is not in the cache, and the model hub does not answer."""

    exit_code = 5
    remedy = (
        "Offline, choose what comes with Pagelens: --model minilm-layout --photo-model "
        "imagenet-tags --reranker minilm-reranker."
    )


class SelfTestFailed(PagelensError):
    """An encoder did not find four plain pages by four plain questions."""

    exit_code = 5
    remedy = (
        "Its weights are damaged, untrained or loaded wrongly: choose another --model. "
        "--skip-self-test uses it all the same."
    )


class DeviceOutOfMemory(PagelensError):
    """A batch does not fit into the memory of the device that the model runs on."""

    exit_code = 7
    remedy = "Close what else uses the device, or run on the CPU with PAGELENS_DEVICE=cpu."


class EncoderMismatch(PagelensError):
    """The library was made with another encoder than the one asked for."""

    exit_code = 6
    remedy = (
        "Use what the library was made with, change that with `pagelens migrate`, or name a new "
        "folder with --library."
    )


class DimensionRefused(PagelensError):
    """A model was not trained for vectors of this length."""

    exit_code = 2
    remedy = "Leave out --dim, or give one that `pagelens models` lists for the model."


class InvalidEmbedding(PagelensError):
    """An embedding has the wrong shape or dtype, or holds NaN, infinite or non-unit vectors."""

    exit_code = 7


class IndexFailed(PagelensError):
    """The vector index could not be opened, read or written."""

    exit_code = 7
    remedy = (
        "Check the free space and the rights of the library folder, then run the command again."
    )


class IndexServerFailed(IndexFailed):
    """The Qdrant server that holds the index does not answer, or refused what it was asked."""

    remedy = (
        "Check that the Qdrant server at PAGELENS_QDRANT_URL runs and can be reached, and "
        "PAGELENS_QDRANT_API_KEY; then run the command again."
    )


class IndexMismatch(PagelensError):
    """The library's vectors are in another place, or that place was made for other vectors."""

    exit_code = 6
    remedy = (
        "Set PAGELENS_QDRANT_URL and PAGELENS_QDRANT_COLLECTION as they were when the library was "
        "made, or name a new folder with --library."
    )


class AnswerFailed(PagelensError):
    """The model that writes answers gives none, or none that can be read."""

    exit_code = 8
    remedy = (
        "Ask again, or look at the log of the server at PAGELENS_ANSWER_URL; without it and "
        "PAGELENS_ANSWER_MODEL, the best pages are quoted."
    )


class AnswerServerUnreachable(AnswerFailed):
    """The endpoint that writes answers does not answer, or not in time."""

    remedy = (
        "Check PAGELENS_ANSWER_URL, and that the server there runs; PAGELENS_ANSWER_TIMEOUT_S is "
        "how long it may stay silent."
    )


class AnswerAccessDenied(AnswerFailed):
    """The endpoint that writes answers does not take the API key."""

    remedy = "Set PAGELENS_ANSWER_API_KEY to a key that the endpoint takes."


class UnknownAnswerModel(AnswerFailed):
    """The endpoint that writes answers does not know the model, or is none."""

    remedy = (
        "Set PAGELENS_ANSWER_MODEL to a model that the endpoint has; PAGELENS_ANSWER_URL mostly "
        "ends in /v1."
    )


class AnswerRefused(AnswerFailed):
    """The endpoint that writes answers does not take the request: it is too long, say."""

    remedy = (
        "Lower PAGELENS_ANSWER_PAGES or PAGELENS_ANSWER_TOKENS, or choose a model that takes "
        "pictures and so many tokens."
    )


class AnswerRateLimited(AnswerFailed):
    """The endpoint that writes answers takes no more requests for now."""

    remedy = "Wait, then ask again."


class ServerFailed(PagelensError):
    """The web server could not start."""

    exit_code = 8
    remedy = "Choose another --port, or stop the program that uses it."


class MissingCredentials(ServerFailed):
    """The address is open to other machines, and nothing locks it."""

    remedy = "Set PAGELENS_API_KEY, or PAGELENS_USER and PAGELENS_PASSWORD; or serve on 127.0.0.1."


class InvalidRequest(PagelensError):
    """A request to the REST API does not fit what the API takes."""

    exit_code = 2
    remedy = "/api/v1/openapi.json describes every request."


class AccessDenied(PagelensError):
    """A request bears no key or password, or a wrong one."""

    exit_code = 8
    remedy = (
        "Set PAGELENS_API_KEY, or PAGELENS_USER and PAGELENS_PASSWORD, as the server has them; "
        "over HTTP the key is sent as a bearer token."
    )


class ForeignRequest(PagelensError):
    """A request comes from another web site, or asks for what is nobody's to fetch."""


class UploadTooLarge(PagelensError):
    """A request carries more bytes or files than the server takes."""

    exit_code = 2
    remedy = "Upload less at once; PAGELENS_UPLOAD_LIMIT_MB sets the limit where it is served."


class TooManyUploads(PagelensError):
    """One address uploads more often than the server takes.

    Attributes:
        wait_s: when the next upload is taken.
    """

    exit_code = 8
    remedy = "Wait, then upload again; PAGELENS_UPLOADS_PER_MINUTE sets the limit."

    def __init__(self, message: str, wait_s: int = 60) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class ServerUnreachable(PagelensError):
    """No Pagelens server answers at an address, or not as one."""

    exit_code = 8
    remedy = "Check the address, and that `pagelens serve` runs there."


class RequestFailed(PagelensError):
    """A Pagelens server failed at a request, or refused it for a reason that has no class here."""

    exit_code = 8
    remedy = "The log of the server says more."
