"""Why a file, or a page of it, does not become part of a library."""

from __future__ import annotations

from retrieval.errors.base import PagelensError

# A reason longer than this is cut: upstream errors may quote the file they failed on.
REASON_CHARACTERS = 240


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
