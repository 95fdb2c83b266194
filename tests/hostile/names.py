"""Good files under hostile names, files that are no documents, and things that are no files."""

import gzip
import io
import os
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.cases import CUT_OFF, NO_DOCUMENT, Case, Expectation, either, indexed, refused
from tests.hostile.pdf_structure import say
from tests.hostile.raw_pdf import build_page

NOT_REGULAR = refused("not a regular file")

# Names that a shell, a terminal, a web page, a database or another system may act on. Each file is
# good, and found by the word beside its name.
NAMES: dict[str | bytes, str] = {
    "two\nlines.pdf": "archipelago",
    "a\ttab\rand\x1b[2J\x07 bells.pdf": "bandicoot",
    "'quotes\" and `ticks`.pdf": "caravanserai",
    "annual\u202efdp.exe.pdf": "dirigible",
    "\u2066isolated\u2069 \u200e\u200f marks.pdf": "estuary",
    "<img src=x onerror=alert(1)>.pdf": "foxglove",
    "<script>alert(1)<\u2215script>.pdf": "gondola",
    "&lt;b&gt; &amp; %3Cb%3E.pdf": "hippodrome",
    "up..\\..\\windows\\system32\\evil.pdf": "isthmus",
    "up..%2f..%2f..%2fetc%2fpasswd.pdf": "juniper",
    "\u2024\u2024\u2215etc\u2215passwd.pdf": "kingfisher",
    "C:\\boot.ini:stream.pdf": "lighthouse",
    "CON.pdf": "mandolin",
    "-rf --library=evil.pdf": "nightjar",
    "~root $(reboot) `id` ${HOME};|&.pdf": "obelisk",
    "'; DROP TABLE documents;--.pdf": "porcupine",
    "%s%n%x {0} {self} [red]rich[bold].pdf": "quicksilver",
    " spaces around . .pdf ": "rhubarb",
    "no suffix": "saxophone",
    "wrong suffix.jpg": "tarpaulin",
    "\U0001f4a9\u0301\u0301\u0301\u0301\u0301.pdf": "umbrella",
    "e\u0301.pdf": "vineyard",
    "\u00e9.pdf": "wheelwright",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627.pdf": "xylophone",
    "n" * 251 + ".pdf": "yachtsman",
    "\u20ac" * 83 + "12.pdf": "zeppelin",
    b"caf\xe9 latin.pdf": "aqueduct",
    b"\xed\xa0\x80 half a pair.pdf": "bergamot",
    b"\xff\xfe\x80\x81.pdf": "cormorant",
}


def list_cases() -> Iterator[Case]:
    for name, word in NAMES.items():
        folder = b"names/" if isinstance(name, bytes) else "names/"
        content = build_page(say(f"a {word} under a name that bites"))
        yield Case(folder + name, lambda content=content: content, indexed(word))  # type: ignore[operator]
    for name in ("broken\n\x1b[31m<b>.pdf", b"broken caf\xe9.pdf"):
        folder = b"names/" if isinstance(name, bytes) else "names/"
        header = b"%PDF-1.7\n" + os.fsencode(name)
        yield Case(folder + name, lambda header=header: header, CUT_OFF)  # type: ignore[operator]
    for name, content in list_no_documents():
        is_zip = content.startswith(b"PK")
        expected = refused("a zip archive, but no office file") if is_zip else NO_DOCUMENT
        yield Case(f"no documents/{name}", lambda content=content: content, expected)
    script = b"<!DOCTYPE html><script>document.write('alert')</script><p>a yellow heron</p>"
    # Where there is no LibreOffice it is refused.
    yield Case("no documents/page.html", lambda: script, either("needs LibreOffice"))
    yield Case("no documents/empty.pdf", bytes, refused(r"empty \(0 bytes\)"))


def list_no_documents() -> Iterator[tuple[str, bytes]]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(zipfile.ZipInfo("word/document.xml"), "<w:document/>")
    yield "not an office file.docx", archive.getvalue()
    yield "text.pdf", b"Dear harbour master, this is not a PDF."
    yield "one byte.pdf", b"%"
    yield "UTF-16.pdf", "Dear harbour master".encode("utf-16")
    yield "UTF-32.txt", "Dear harbour master".encode("utf-32")
    yield "EBCDIC.txt", "Dear harbour master".encode("cp037")
    yield "Shift JIS.txt", "港湾局長様".encode("shift_jis")
    yield "only zeros.png", bytes(100_000)
    yield "drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    yield "print.ps", b"%!PS-Adobe-3.0\n(%stdout) (w) file\n"
    yield "program.pdf.exe", b"MZ\x90\x00" + bytes(500)
    yield "program.pdf", b"\x7fELF\x02\x01\x01" + bytes(500)
    yield "packed.pdf.gz", gzip.compress(build_page(say("gzip")), mtime=0)
    yield "film.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(200)
    yield "film.webp", b"RIFF\xff\xff\xff\xffAVI LIST"
    yield "PDF in base 64.pdf", b"JVBERi0xLjcK" * 99


def make_places(folder: Path) -> Iterator[tuple[Path, Expectation]]:
    """Makes what is no regular file, or none that can be read; yields what will be named."""
    folder.mkdir()
    (folder / "a folder.pdf").mkdir()
    inside = folder / "a folder.pdf" / "good.pdf"
    inside.write_bytes(build_page(say("a quartermaster in a folder called PDF")))
    yield inside, indexed("quartermaster")
    # Links to folders are passed over: followed, they would never end.
    (folder / "up").symlink_to("..")
    (folder / "itself").symlink_to(".")
    (folder / "link in a circle.pdf").symlink_to("link in a circle.pdf")
    yield folder / "link in a circle.pdf", NOT_REGULAR
    (folder / "link to nowhere.pdf").symlink_to("gone.pdf")
    yield folder / "link to nowhere.pdf", NOT_REGULAR
    (folder / "link to a device.pdf").symlink_to("/dev/zero")
    yield folder / "link to a device.pdf", NOT_REGULAR
    os.mkfifo(folder / "pipe.pdf")
    yield folder / "pipe.pdf", NOT_REGULAR
    with socket.socket(socket.AF_UNIX) as server:
        # The address of a socket has at most 108 bytes, so it is given from where it lies.
        here = Path.cwd()
        os.chdir(folder)
        try:
            server.bind("socket.pdf")
        finally:
            os.chdir(here)
    yield folder / "socket.pdf", NOT_REGULAR
    yield (
        make_sparse(folder / "terabyte.pdf", b"%PDF-1.7\n", 1 << 40),
        refused("1,024.0 GiB; the limit"),
    )
    yield make_sparse(folder / "gigabyte.png", b"", 1 << 30), NO_DOCUMENT
    yield make_sparse(folder / "quarter gigabyte.pdf", b"%PDF-1.7\n", 1 << 28), refused("cut off")
    unreadable = folder / "unreadable.pdf"
    unreadable.write_bytes(build_page(say("what may not be read")))
    unreadable.chmod(0)
    # Nothing is kept from root.
    may_read = os.access(unreadable, os.R_OK)
    yield unreadable, indexed() if may_read else refused("cannot be read: Permission denied")


def make_sparse(path: Path, header: bytes, n_bytes: int) -> Path:
    path.write_bytes(header)
    os.truncate(path, n_bytes)
    return path
