"""The formats that Pagelens reads, told by what a file holds, whatever its name says."""

from __future__ import annotations

import re
import zipfile
from enum import Enum
from pathlib import Path

from retrieval.errors import DamagedFile, NotADocument

# A PDF may carry other bytes before its header; readers look for it in the first KiB.
HEADER_BYTES = 1024

# The fields of a mail's header (RFC 5322) of which two shall stand first, folded or not.
MAIL_HEADER = re.compile(
    rb"(?:(?:Return-Path|Received|Delivered-To|From|To|Cc|Subject|Date|Message-ID|MIME-Version|"
    rb"DKIM-Signature|Reply-To|Sender|Content-Type|X-[\w-]+):[^\n]*\n(?:[ \t][^\n]*\n)*){2}",
    re.IGNORECASE,
)
WEB_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)


class MediaType(str, Enum):
    """The formats that Pagelens reads."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    TIFF = "image/tiff"
    GIF = "image/gif"
    BMP = "image/bmp"
    HEIC = "image/heic"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    ODT = "application/vnd.oasis.opendocument.text"
    ODP = "application/vnd.oasis.opendocument.presentation"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    HTML = "text/html"
    EML = "message/rfc822"
    WAV = "audio/wav"
    MP3 = "audio/mpeg"
    FLAC = "audio/flac"
    OGG = "audio/ogg"

    @property
    def is_image(self) -> bool:
        """Whether the format is a picture rather than a document of pages."""
        return self.value.startswith("image/")

    @property
    def is_sound(self) -> bool:
        """Whether the format is a recording."""
        return self.value.startswith("audio/")

    @property
    def is_office(self) -> bool:
        """Whether its pages are made by LibreOffice."""
        return self is not MediaType.PDF and not self.is_image and not self.is_sound

    @property
    def is_zipped(self) -> bool:
        """Whether it is an office file that is a zip archive."""
        return self.is_office and self not in (MediaType.HTML, MediaType.EML)

    @property
    def label(self) -> str:
        """What people call a file of the format."""
        return {
            MediaType.DOCX: "Word document",
            MediaType.PPTX: "PowerPoint presentation",
            MediaType.XLSX: "Excel workbook",
            MediaType.ODT: "text document",
            MediaType.ODP: "presentation",
            MediaType.ODS: "spreadsheet",
            MediaType.HTML: "web page",
            MediaType.EML: "mail",
            MediaType.PDF: "PDF",
        }.get(self, "recording" if self.is_sound else "picture")


# The part of an Office Open XML file that makes it what it is.
MAIN_FOLDERS = {"word/": MediaType.DOCX, "ppt/": MediaType.PPTX, "xl/": MediaType.XLSX}
OPEN_DOCUMENTS = {
    media_type.value: media_type for media_type in (MediaType.ODT, MediaType.ODP, MediaType.ODS)
}
MIME_TYPE_BYTES = 200


def read_media_type(path: Path) -> MediaType:
    """Tells a file's format.

    Raises:
        NotADocument: the content is none of the formats that Pagelens reads.
        DamagedFile: it begins as a zip archive, and is none.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    return _read_zip(path) if header.startswith(b"PK\x03\x04") else sniff_media_type(header)


def sniff_media_type(header: bytes) -> MediaType:
    """Tells a file's format from its first `HEADER_BYTES` bytes.

    The signatures are those of each format's own specification. A picture whose comment names a PDF
    is a picture; what begins with the letters BM may be anything.

    Raises:
        NotADocument: the content is none of the formats that Pagelens reads.
    """
    if header.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if header.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if header.startswith(b"RIFF") and header[8:12] == b"WEBP":
        return MediaType.WEBP
    if header.startswith((b"RIFF", b"RF64")) and header[8:12] == b"WAVE":
        return MediaType.WAV
    if header.startswith(b"fLaC"):
        return MediaType.FLAC
    if header.startswith(b"OggS"):
        return MediaType.OGG
    if header.startswith(b"ID3") or _is_mp3_frame(header):
        return MediaType.MP3
    if header.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return MediaType.TIFF
    if header.startswith((b"GIF87a", b"GIF89a")):
        return MediaType.GIF
    if header[4:8] == b"ftyp" and header[8:12] in (
        b"heic",
        b"heix",
        b"hevc",
        b"heim",
        b"heis",
        b"mif1",
        b"msf1",
    ):
        return MediaType.HEIC
    if b"%PDF-" in header:
        return MediaType.PDF
    if header.startswith(b"BM"):
        return MediaType.BMP
    text = header.removeprefix(b"\xef\xbb\xbf")
    if WEB_PAGE.match(text):
        return MediaType.HTML
    if MAIL_HEADER.match(text):
        return MediaType.EML
    raise NotADocument(
        "not a PDF, a picture or an office file that Pagelens reads (by its content)"
    )


def _is_mp3_frame(header: bytes) -> bool:
    """Whether bytes begin as a frame of MPEG audio, layer III, with a rate that there is."""
    if len(header) < 3 or header[0] != 0xFF:
        return False
    is_layer_3 = header[1] & 0xE6 == 0xE2
    return is_layer_3 and header[1] & 0x18 != 0x08 and header[2] >> 4 not in (0, 15)


def _read_zip(path: Path) -> MediaType:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "mimetype" in names:
                with archive.open("mimetype") as entry:
                    named = entry.read(MIME_TYPE_BYTES).decode("ascii", "replace").strip()
                if named in OPEN_DOCUMENTS:
                    return OPEN_DOCUMENTS[named]
            if "[Content_Types].xml" in names:
                for folder, media_type in MAIN_FOLDERS.items():
                    if any(name.startswith(folder) for name in names):
                        return media_type
    # Damaged archives make it raise errors of several classes.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise DamagedFile(f"it begins as a zip archive and is damaged ({error})") from error
    raise NotADocument("a zip archive, but no office file that Pagelens reads: unpack it first")
