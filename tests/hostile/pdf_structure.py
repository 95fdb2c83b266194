"""PDFs whose structure is wrong: cross references, page trees, boxes, actions, encryption."""

import io
import zipfile
import zlib
from collections.abc import Iterator

import pikepdf

from tests.hostile.cases import (
    CUT_OFF,
    DAMAGED,
    EOF_OR_DAMAGED,
    Case,
    Expectation,
    indexed,
    refused,
)
from tests.hostile.raw_pdf import (
    CATALOG,
    FONT,
    MEDIA_BOX,
    PAGES,
    build_page,
    build_pdf,
    number_objects,
    page,
    stream,
    write_line,
)

CLAIMED_PAGES = 10_000
LONG_PDF_BYTES = 24 * 1024


def list_cases() -> Iterator[Case]:
    for make in (list_xrefs, list_page_trees, list_boxes, list_active, list_encrypted, list_mixed):
        for name, content, expected in make():
            yield Case(f"pdf/{name}.pdf", lambda content=content: content, expected)
    whole = build_long_page()
    for n_bytes in range(1024, len(whole), 1024):
        name = f"pdf/cut off after {n_bytes // 1024} KiB.pdf"
        yield Case(name, lambda n=n_bytes: whole[:n], CUT_OFF)
    yield Case("pdf/ten thousand pages.pdf", build_ten_thousand_pages, indexed(), is_slow=True)


def say(name: str) -> str:
    """A line long enough to be a text layer, different in each file."""
    return f"This page belongs to the file about {name}."


def build_long_page() -> bytes:
    # Comments that no compression shrinks: what is cut off is counted in kilobytes.
    filler = "".join(f"% {i * 7919 % 1_000_003}\n" for i in range(LONG_PDF_BYTES // 9))
    return build_page(say("kilobytes"), content=filler.encode())


def build_ten_thousand_pages() -> bytes:
    numbers = range(6, 6 + CLAIMED_PAGES)
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    return build_pdf(
        {
            1: CATALOG,
            2: b"<</Type/Pages/Count %d/Kids[" % CLAIMED_PAGES + kids + b"]>>",
            4: FONT,
            5: stream(write_line(say("ten thousand pages"))),
        }
        | dict.fromkeys(numbers, page())
    )


def with_pages(pages: bytes, name: str, *further: bytes) -> bytes:
    objects = {1: CATALOG, 2: pages, 3: page(), 4: FONT, 5: stream(write_line(say(name)))}
    return build_pdf(objects | dict(enumerate(further, 6)))


Named = Iterator[tuple[str, bytes, Expectation]]


def list_xrefs() -> Named:
    plain = {1: CATALOG, 2: PAGES, 3: page(), 4: FONT}

    def objects(name: str) -> dict[int, bytes]:
        return plain | {5: stream(write_line(say(name)))}

    yield "wrong xref offsets", build_pdf(objects("wrong offsets"), shift=7), indexed()
    yield "xref far away", build_pdf(objects("far away"), pointer=10**9), indexed()
    yield "xref at zero", build_pdf(objects("zero"), pointer=0), indexed()
    yield "xref negative", build_pdf(objects("negative"), pointer=-5), indexed()
    yield (
        "xref of a billion entries",
        build_pdf(objects("a billion entries")).replace(b"xref\n0 6", b"xref\n0 999999999"),
        indexed(),
    )
    body, _ = number_objects(objects("no table"))
    yield "no xref at all", body + b"trailer<</Root 1 0 R>>\n%%EOF\n", indexed()
    yield "no trailer either", body + b"%%EOF\n", DAMAGED
    whole = build_pdf(objects("a circle of tables"))
    table = whole.rindex(b"xref\n0")
    yield (
        "xref that follows itself",
        whole.replace(b"trailer\n<<", b"trailer\n<</Prev %d" % table),
        indexed(),
    )
    chain = build_pdf(objects("two thousand updates"))
    for _ in range(2_000):
        previous = chain.rindex(b"xref\n0")
        chain += (
            b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R/Size 6/Prev %d>>\n" % previous
        )
        chain += b"startxref\n%d\n%%%%EOF\n" % chain.rindex(b"xref\n0")
    yield "two thousand updates", chain, indexed()
    yield (
        "object stream that holds itself",
        build_page(
            say("an object stream"),
            b"/Annots 7 0 R",
            extra=[
                stream(b"6 0 7 5 <<>> []", b"/Type/ObjStm/N 2/First 8/Extends 6 0 R"),
            ],
        ),
        indexed(),
    )
    cross = stream(bytes(64), b"/Type/XRef/W[1 2 1]/Index[0 2147483647]/Size 2147483647/Root 1 0 R")
    body, _ = number_objects(objects("an xref stream") | {6: cross})
    yield (
        "xref stream without end",
        body + b"startxref\n%d\n%%%%EOF\n" % body.rindex(b"6 0 obj"),
        EOF_OR_DAMAGED,
    )
    yield (
        "object number too large",
        build_page(say("a number too large"), b"/Annots 4294967295 65536 R"),
        indexed(),
    )
    yield (
        "stream length is itself",
        build_page(say("its own length"), b"/Thumb 6 0 R", extra=[stream(b"x", b"/Length 6 0 R")]),
        indexed(),
    )
    for length in (b"-1", b"99999999999999999999"):
        objects_ = objects(f"length {length.decode()}")
        objects_[5] = stream(write_line(say(f"length {length.decode()}")), b"/Length " + length)
        yield f"stream length {length.decode()}", build_pdf(objects_), EOF_OR_DAMAGED


def list_page_trees() -> Named:
    yield (
        "page tree in a circle",
        with_pages(b"<</Type/Pages/Count 2/Kids[3 0 R 2 0 R]>>", "a circle"),
        EOF_OR_DAMAGED,
    )
    yield (
        "page tree of two that hold each other",
        with_pages(
            b"<</Type/Pages/Count 3/Kids[6 0 R]>>",
            "each other",
            b"<</Type/Pages/Parent 2 0 R/Count 3/Kids[2 0 R 3 0 R]>>",
        ),
        EOF_OR_DAMAGED,
    )
    for n_pages in (CLAIMED_PAGES, 1_000_000):
        yield (
            f"claims {n_pages} pages",
            with_pages(b"<</Type/Pages/Count %d/Kids[3 0 R]>>" % n_pages, f"{n_pages} pages"),
            refused(f"claims {n_pages:,} pages, and most of them are not there"),
        )
    yield (
        "claims two pages and has one",
        with_pages(b"<</Type/Pages/Count 2/Kids[3 0 R]>>", "two pages"),
        EOF_OR_DAMAGED,
    )
    yield (
        "one page thirty thousand times",
        with_pages(b"<</Type/Pages/Count 30000/Kids[" + b"3 0 R " * 30_000 + b"]>>", "30,000"),
        refused("30,000 pages; the limit is 20,000"),
    )
    yield (
        "claims minus five pages",
        with_pages(b"<</Type/Pages/Count -5/Kids[3 0 R]>>", "minus five"),
        indexed(),
    )
    yield (
        "no pages",
        with_pages(b"<</Type/Pages/Count 0/Kids[]>>", "none"),
        refused("no pages|damaged"),
    )
    for name, pages in (
        ("kids are null", b"<</Type/Pages/Count 1/Kids[null]>>"),
        ("kids are a number", b"<</Type/Pages/Count 1/Kids 7>>"),
        ("kids are missing", b"<</Type/Pages/Count 1>>"),
        ("pages is an array", b"[3 0 R]"),
    ):
        yield name, with_pages(pages, name), EOF_OR_DAMAGED
    deep = {
        number: b"<</Type/Pages/Parent %d 0 R/Count 1/Kids[%d 0 R]>>" % (number - 1, number + 1)
        for number in range(6, 5_006)
    } | {5_006: page()}
    yield (
        "page tree five thousand deep",
        build_pdf(
            {
                1: CATALOG,
                2: b"<</Type/Pages/Count 1/Kids[6 0 R]>>",
                4: FONT,
                5: stream(write_line(say("a deep tree"))),
            }
            | deep
        ),
        EOF_OR_DAMAGED,
    )
    yield "catalog without pages", build_pdf({1: b"<</Type/Catalog>>"}), EOF_OR_DAMAGED
    yield "root is missing", build_page(say("no root")).replace(b"/Root 1", b"/Root 99"), DAMAGED


def list_boxes() -> Named:
    for name, box, expected in (
        ("14400 points", b"[0 0 14400 14400]", refused("200 x 200 inches")),
        ("a billion points", b"[0 0 1000000000 300]", refused("inches; a side must be under 200")),
        ("1e400", b"[0 0 1e400 1e400]", EOF_OR_DAMAGED),
        ("no numbers", b"[NaN Infinity nan -inf]", EOF_OR_DAMAGED),
        ("a number of 5000 digits", b"[0 0 " + b"9" * 5_000 + b" 300]", EOF_OR_DAMAGED),
        ("zero", b"[0 0 0 0]", indexed()),
        ("negative", b"[400 300 0 0]", indexed()),
        ("far below zero", b"[-90000 -90000 -89600 -89700]", indexed()),
        ("a hair", b"[0 0 0.0001 13000]", EOF_OR_DAMAGED),
        ("strings", b"[(a) (b) (c) (d)]", indexed()),
        ("itself", b" 3 0 R", indexed()),
        ("missing", b"", indexed()),
    ):
        whole = b"/MediaBox" + box if box else b""
        yield f"box is {name}", build_page(say(f"a box, {name}"), box=whole), expected
    yield (
        "crop box outside",
        build_page(say("a crop box"), box=MEDIA_BOX + b"/CropBox[5000 5000 6000 6000]"),
        refused("0 x 0 points: the page has no area"),
    )
    yield "user unit", build_page(say("a unit"), b"/UserUnit 100000"), EOF_OR_DAMAGED
    yield "rotated by 45", build_page(say("45 degrees"), b"/Rotate 45"), indexed()
    yield "rotated far", build_page(say("a billion degrees"), b"/Rotate 999999990"), indexed()


def list_active() -> Named:
    actions = {
        "JavaScript": b"<</S/JavaScript/JS(while\\(true\\){app.alert\\(1\\)})>>",
        "launch": b"<</S/Launch/F(/bin/sh)/Win<</F(cmd.exe)/P(/c calc)>>>>",
        "submit form": b"<</S/SubmitForm/F(http://127.0.0.1:9/)>>",
        "another file": b"<</S/GoToR/F(../../../../etc/passwd)/D[0/Fit]>>",
        "a link": b"<</S/URI/URI(file:///etc/passwd)>>",
    }
    for name, action in actions.items():
        catalog = b"/OpenAction 6 0 R/Names<</JavaScript<</Names[(a) 6 0 R]>>>>/AA<</WC 6 0 R>>"
        yield (
            f"opens with {name}",
            build_page(say(name), catalog=catalog, extra=[action]),
            indexed(),
        )
    embedded = b"/Names<</EmbeddedFiles<</Names[(../../evil.exe) 6 0 R]>>>>"
    yield (
        "embedded file",
        build_page(
            say("an embedded file"),
            catalog=embedded,
            extra=[
                b"<</Type/Filespec/F(../../evil.exe)/EF<</F 7 0 R>>>>",
                stream(b"MZ" + bytes(2_000), b"/Type/EmbeddedFile"),
            ],
        ),
        indexed(),
    )
    yield (
        "stream in another file",
        build_page(
            say("a stream elsewhere"),
            content=b"/X Do\n",
            resources=b"/XObject<</X 6 0 R>>",
            extra=[stream(b"", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/F(/etc/passwd)")],
        ),
        indexed(),
    )
    field = b"<</T(a)/FT/Tx/V 6 0 R/Kids[6 0 R]/Parent 6 0 R/Subtype/Widget/Rect[0 0 9 9]>>"
    yield (
        "form field in a circle",
        build_page(
            say("a field"), b"/Annots[6 0 R]", catalog=b"/AcroForm<</Fields[6 0 R]>>", extra=[field]
        ),
        indexed(),
    )
    yield (
        "XFA form",
        build_page(
            say("a form"),
            catalog=b"/AcroForm<</Fields[]/XFA 6 0 R>>/NeedsRendering true",
            extra=[stream(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><xdp>&b;</xdp>')],
        ),
        indexed(),
    )
    note = b"<</Subtype/Text/Rect[0 0 9 9]/Popup 6 0 R/Parent 6 0 R/IRT 6 0 R/AP<</N 6 0 R>>>>"
    yield (
        "twenty thousand notes",
        build_page(say("notes"), b"/Annots[" + b"6 0 R " * 20_000 + b"]", extra=[note]),
        indexed(),
    )
    outline = b"<</Title(a)/First 6 0 R/Next 6 0 R/Parent 6 0 R>>"
    yield (
        "outline in a circle",
        build_page(say("an outline"), catalog=b"/Outlines 6 0 R", extra=[outline]),
        indexed(),
    )


def list_encrypted() -> Named:
    for name, user, expected in (
        ("with a password", "user", refused("encrypted and needs a password")),
        ("by its owner only", "", indexed()),
    ):
        target = io.BytesIO()
        with pikepdf.open(io.BytesIO(build_page(say(f"secrets, encrypted {name}")))) as document:
            # The older cipher: its keys follow from the passwords, so the bytes never change.
            document.save(
                target,
                encryption=pikepdf.Encryption(
                    user=user, owner="owner", R=3, aes=False, metadata=False
                ),
                deterministic_id=False,
                static_id=True,
            )
        yield f"encrypted {name}", target.getvalue(), expected
    for name, entries in (
        ("by an unknown filter", b"/Filter/Rot13/V 99"),
        ("without keys", b"/Filter/Standard/V 5/R 6/Length 256"),
        ("with public keys", b"/Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5/V 4"),
    ):
        yield (
            f"encrypted {name}",
            build_page(say(f"keys, {name}"), trailer=b"/Encrypt<<" + entries + b">>"),
            refused("encrypted|damaged"),
        )


def list_mixed() -> Named:
    def good(name: str) -> bytes:
        return build_page(say(name))

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(zipfile.ZipInfo("evil.txt"), "zip")
    yield "HTML before", b"<html><script>alert(1)</script>" + good("a page of HTML"), indexed()
    yield "ZIP behind", good("an archive") + archive.getvalue(), indexed()
    yield "junk before", bytes(range(256)) * 3 + good("junk before it"), indexed()
    yield (
        "too much junk before",
        b"\n" * 2_000 + good("much"),
        refused("not a PDF, a picture"),
    )
    yield "junk behind", good("junk behind it") + b"\x00junk" * 200, indexed()
    yield "too much junk behind", good("much junk") + bytes(5_000), CUT_OFF
    yield "header alone", b"%PDF-1.7\n", CUT_OFF
    yield "header and end", b"%PDF-1.7\n%%EOF\n", DAMAGED
    yield "garbage", b"%PDF-1.7\n" + zlib.compress(bytes(90_000)) * 9 + b"\n%%EOF\n", DAMAGED
    yield "nothing but zeros", b"%PDF-1.7\n" + bytes(50_000) + b"\n%%EOF\n", DAMAGED
    yield "version 9", good("version nine").replace(b"%PDF-1.7", b"%PDF-9.9"), indexed()
    yield "two in one", good("the first of two") + good("the second of two"), indexed()
    yield "in UTF-16", good("UTF-16").decode("latin-1").encode("utf-16"), refused("not a PDF")
    for name, opened, closed in (
        ("arrays", b"[", b"]"),
        ("dictionaries", b"<</A", b">>"),
        ("strings", b"(", b")"),
    ):
        nested = opened * 100_000 + closed * 100_000
        content = build_page(say(f"{name} in {name}"), b"/Annots " + nested)
        yield f"nested {name}", content, EOF_OR_DAMAGED
