"""Writes PDFs byte by byte, so that they can be wrong wherever a case wants them to be."""

import zlib
from collections.abc import Mapping, Sequence

CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
FONTS = b"/Resources<</Font<</F1 4 0 R>>>>"
MEDIA_BOX = b"/MediaBox[0 0 400 300]"


def write_line(text: str) -> bytes:
    """The operators that show one line of text."""
    return b"BT /F1 12 Tf 20 200 Td (" + text.encode("latin-1") + b") Tj ET\n"


def stream(content: bytes, entries: bytes = b"") -> bytes:
    length = b"" if b"/Length" in entries else b"/Length %d" % len(content)
    return b"<<" + entries + length + b">>stream\n" + content + b"\nendstream"


def deflated(content: bytes, entries: bytes = b"") -> bytes:
    return stream(zlib.compress(content), b"/Filter/FlateDecode" + entries)


def page(entries: bytes = b"", *, resources: bytes = FONTS, box: bytes = MEDIA_BOX) -> bytes:
    return b"<</Type/Page/Parent 2 0 R/Contents 5 0 R" + box + resources + entries + b">>"


def number_objects(objects: Mapping[int, bytes]) -> tuple[bytes, dict[int, int]]:
    """The body of a PDF, and where in it each object begins."""
    body, offsets = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", {}
    for number, content in objects.items():
        offsets[number] = len(body)
        body += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    return body, offsets


def build_pdf(
    objects: Mapping[int, bytes],
    *,
    shift: int = 0,
    trailer: bytes = b"",
    pointer: int | None = None,
) -> bytes:
    """A PDF of these objects; object 1 is its catalog.

    Args:
        objects: by number.
        shift: added to every offset of the cross-reference table.
        trailer: further entries.
        pointer: where the file says that its table is, if not where it is.
    """
    body, offsets = number_objects(objects)
    table = len(body)
    size = max(objects) + 1
    lines = [b"0000000000 65535 f \n"] + [
        b"%010d 00000 n \n" % (offsets[number] + shift)
        if number in offsets
        else b"0000000000 00000 f \n"
        for number in range(1, size)
    ]
    body += b"xref\n0 %d\n" % size + b"".join(lines)
    body += b"trailer\n<</Root 1 0 R/Size %d" % size + trailer + b">>\n"
    return body + b"startxref\n%d\n%%%%EOF\n" % (table if pointer is None else pointer)


def build_page(
    text: str,
    page_entries: bytes = b"",
    *,
    content: bytes = b"",
    resources: bytes = b"",
    box: bytes = MEDIA_BOX,
    catalog: bytes = b"",
    font: bytes = FONT,
    extra: Sequence[bytes] = (),
    trailer: bytes = b"",
) -> bytes:
    """A PDF of one page that shows a line of text, and whatever else a case adds.

    Args:
        text: the line.
        page_entries: further entries of the page.
        content: further operators of the page.
        resources: further entries of its resources.
        box: its media box.
        catalog: further entries of the catalog.
        font: the object of the font F1.
        extra: further objects, numbered from 6.
        trailer: further entries of the trailer.
    """
    objects = {
        1: CATALOG[:-2] + catalog + b">>",
        2: PAGES,
        3: page(
            page_entries, resources=b"/Resources<</Font<</F1 4 0 R>>" + resources + b">>", box=box
        ),
        4: font,
        5: stream(write_line(text) + content),
    }
    return build_pdf(objects | dict(enumerate(extra, 6)), trailer=trailer)
