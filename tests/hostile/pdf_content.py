"""PDFs whose pages are wrong: bombs, images, fonts, and drawings that never end."""

import io
import zlib
from collections.abc import Iterator

from tests.documents import draw_photo
from tests.hostile.cases import (
    EOF_OR_DAMAGED,
    TOO_SLOW,
    Case,
    Expectation,
    either,
    indexed,
    refused,
)
from tests.hostile.pdf_structure import say
from tests.hostile.raw_pdf import FONT, build_page, deflated, stream

Named = Iterator[tuple[str, bytes, Expectation]]

# A quarter of a gigabyte, packed three times over.
BOMB_BYTES = 1 << 28
TOO_MUCH = either("too much memory|took longer than|crashed|damaged|characters; the limit")


def list_cases() -> Iterator[Case]:
    for make in (list_bombs, list_images, list_fonts, list_forms, list_drawings):
        for name, content, expected in make():
            is_slow = name == "a billion laughs"
            yield Case(f"pdf/{name}.pdf", lambda content=content: content, expected, is_slow)


def draw_image(name: str, image: bytes, *further: bytes) -> bytes:
    """A page with a line of text and an image."""
    return build_page(
        say(name),
        content=b"q 300 0 0 150 20 20 cm /X Do Q\n",
        resources=b"/XObject<</X 6 0 R>>",
        extra=[image, *further],
    )


def image_entries(width_px: int, height_px: int, rest: bytes = b"") -> bytes:
    size = b"/Width %d/Height %d" % (width_px, height_px)
    return b"/Type/XObject/Subtype/Image" + size + rest


GRAY = b"/BitsPerComponent 8/ColorSpace/DeviceGray"


def pack(content: bytes, times: int) -> bytes:
    for _ in range(times):
        content = zlib.compress(content, 9)
    return content


def list_bombs() -> Named:
    bomb = pack(pack(bytes(BOMB_BYTES), 1), 1)
    spaces = pack(b" " * BOMB_BYTES, 2)
    filters = b"/Filter[/FlateDecode/FlateDecode]"
    yield (
        "bomb of spaces on a page",
        build_page(say("spaces"), b"/Contents[5 0 R 6 0 R]", extra=[stream(spaces, filters)]),
        TOO_MUCH,
    )
    yield (
        "bomb in an image",
        draw_image("a bomb", stream(bomb, image_entries(100, 100, GRAY) + filters)),
        TOO_MUCH,
    )
    yield (
        "bomb of drawing",
        draw_image(
            "drawing",
            deflated(b"q 1 0 0 1 0 0 cm Q " * 2_000_000, b"/Subtype/Form/BBox[0 0 9 9]"),
        ),
        TOO_MUCH,
    )
    many = b"/Filter[" + b"/ASCIIHexDecode" * 1_000 + b"]"
    yield (
        "a thousand filters",
        draw_image("filters", stream(b"00>", image_entries(9, 9, GRAY) + many)),
        indexed(),
    )
    for name, filter_, content in (
        ("run lengths", b"/RunLengthDecode", b"\x81\x00" * 1_000_000),
        ("LZW", b"/LZWDecode", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01" * 100_000),
        ("base 85", b"/ASCII85Decode", b"zzzz" * 500_000),
        ("no filter at all", b"/NoSuchDecode", b"x" * 1_000),
    ):
        entries = image_entries(30_000, 30_000, GRAY) + b"/Filter" + filter_
        yield f"image packed with {name}", draw_image(name, stream(content, entries)), TOO_MUCH
    yield (
        "two million letters",
        build_page(
            say("letters"),
            content=b"".join(
                b"BT /F1 0.01 Tf 9 %d Td (" % y + b"ab " * 9_999 + b") Tj ET\n" for y in range(70)
            ),
        ),
        refused("characters; the limit is 500,000"),
    )
    yield (
        "a word of four hundred thousand letters",
        build_page(
            say("a long word"),
            content=(b"BT /F1 0.001 Tf 9 9 Td (" + b"x" * 400_000 + b") Tj ET\n"),
        ),
        TOO_MUCH,
    )


def list_images() -> Named:
    for width, height in ((0, 0), (-5, -5), (2**31 - 1, 2**31 - 1), (100_000, 100_000)):
        yield (
            f"image of {width} x {height}",
            draw_image(
                f"{width} x {height}", deflated(b"\x7f" * 99, image_entries(width, height, GRAY))
            ),
            TOO_MUCH,
        )
    photo, jpeg, jp2 = draw_photo(), io.BytesIO(), io.BytesIO()
    photo.save(jpeg, "JPEG")
    photo.save(jp2, "JPEG2000")
    sized = image_entries(*photo.size, b"/BitsPerComponent 8/ColorSpace/DeviceRGB")
    for name, filter_, content in (
        ("JPEG", b"/DCTDecode", jpeg.getvalue()),
        ("JPEG 2000", b"/JPXDecode", jp2.getvalue()),
    ):
        half, end = len(content) // 2, len(content)
        for what, broken in (
            ("whole", content),
            ("cut off", content[:half]),
            ("mangled", content[:half] + b"\xff\x00\x55" * 99 + content[half:end]),
            ("emptied", content[:200] + bytes(end - 200)),
            ("replaced", b"garbage " * 200),
        ):
            image = stream(broken, sized + b"/Filter" + filter_)
            yield f"{name} image {what}", draw_image(f"{name} {what}", image), indexed()
    huge = bytearray(jp2.getvalue())
    siz = huge.index(b"\xff\x51")
    huge[siz + 6 : siz + 14] = b"\x7f\xff\xff\xff" * 2
    yield (
        "JPEG 2000 image of billions of pixels",
        draw_image("billions", stream(bytes(huge), sized + b"/Filter/JPXDecode")),
        TOO_MUCH,
    )
    # Segment headers of ITU-T T.88: number, kind, page, length, then what the segment holds.
    page_info = b"\x00\x00\x00\x00\x30\x00\x01\x00\x00\x00\x13"
    one_bit = b"/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/JBIG2Decode"
    for name, content in (
        ("garbage", b"\x00garbage" * 99),
        ("of billions of pixels", page_info + b"\x7f\xff\xff\xff" * 2 + bytes(11)),
        ("of unknown height", page_info + b"\x00\x00\x10\x00\xff\xff\xff\xff" + bytes(11)),
        ("of symbols without end", b"\x00\x00\x00\x00\x00\x00\x01\x00\x00\xff\xff" + b"\xff" * 400),
    ):
        image = stream(content, image_entries(4_096, 4_096, one_bit))
        yield f"JBIG2 image {name}", draw_image(f"JBIG2 {name}", image), TOO_MUCH
    itself = stream(
        b"x" * 99, image_entries(99, 99, one_bit) + b"/DecodeParms<</JBIG2Globals 6 0 R>>"
    )
    yield "JBIG2 image whose symbols are itself", draw_image("its symbols", itself), indexed()
    for name, parameters in (
        ("of a billion columns", b"/K -1/Columns 1000000000/Rows 1000000000"),
        ("of no columns", b"/K -1/Columns 0/Rows 0"),
        ("of garbage", b"/K 4/Columns 1728/EncodedByteAlign true"),
    ):
        fax = image_entries(1_728, 2_000, b"/BitsPerComponent 1/ColorSpace/DeviceGray")
        fax += b"/Filter/CCITTFaxDecode/DecodeParms<<" + parameters + b">>"
        yield (
            f"fax image {name}",
            draw_image(f"a fax {name}", stream(b"\x35\xac" * 999, fax)),
            TOO_MUCH,
        )
    for name, space in (
        ("an index of billions", b"[/Indexed/DeviceRGB 2147483647 (abc)]"),
        ("itself", b"[/Indexed 7 0 R 1 (abc)]"),
        ("a profile of garbage", b"[/ICCBased 8 0 R]"),
        ("a thousand inks", b"[/DeviceN[" + b"/Ink" * 1_000 + b"]/DeviceCMYK<<>>]"),
    ):
        image = deflated(
            bytes(10_000), image_entries(100, 100, b"/BitsPerComponent 8/ColorSpace 7 0 R")
        )
        yield (
            f"colours of {name}",
            draw_image(f"colours of {name}", image, space, deflated(b"junk" * 999, b"/N 3")),
            indexed(),
        )
    inline = b"q BI /W 100000 /H 100000 /BPC 8 /CS /RGB ID " + b"\x00" * 99 + b" EI Q\n"
    yield "inline image without end", build_page(say("an inline image"), content=inline), TOO_MUCH
    itself = image_entries(9, 9, GRAY + b"/SMask 6 0 R/Mask 6 0 R")
    yield "image masked by itself", draw_image("a mask", deflated(bytes(81), itself)), indexed()


def list_fonts() -> Named:
    yield "font is missing", build_page(say("no font"), font=b"null"), EOF_OR_DAMAGED
    yield (
        "font is not embedded",
        build_page(
            say("Comic Papyrus"), font=b"<</Type/Font/Subtype/TrueType/BaseFont/ComicPapyrus>>"
        ),
        indexed(),
    )
    for kind, entry in (("TrueType", b"2"), ("Type1", b""), ("Type1", b"3")):
        font = (
            b"<</Type/Font/Subtype/" + kind.encode() + b"/BaseFont/Broken/FirstChar 0/LastChar 255"
        )
        font += b"/Widths 8 0 R/FontDescriptor 6 0 R>>"
        descriptor = b"<</Type/FontDescriptor/FontName/Broken/FontFile" + entry + b" 7 0 R>>"
        yield (
            f"font file{entry.decode()} of garbage",
            build_page(
                say(f"a font of garbage{entry.decode()}"),
                font=font,
                extra=[descriptor, deflated(b"\x00\x01\x00\x00garbage" * 500), b"[1e38 -1e38]"],
            ),
            indexed(),
        )
    bomb = b"<0000> <FFFF> <0041>\n" * 20_000
    cmap = b"begincmap 100 beginbfrange\n" + bomb + b"endbfrange endcmap"
    wide = b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/DescendantFonts[7 0 R]"
    wide += b"/ToUnicode 6 0 R>>"
    yield (
        "map of characters without end",
        build_page(
            say("a map"),
            font=wide,
            extra=[
                deflated(cmap),
                b"<</Type/Font/Subtype/CIDFontType2/BaseFont/A/CIDSystemInfo<<>>>>",
            ],
        ),
        TOO_MUCH,
    )
    for name, target in (("zeros", b"<0000>"), ("halves", b"<D800>"), ("reversed", b"<202E0041>")):
        mapped = b"begincmap 1 beginbfrange <00> <FF> " + target + b" endbfrange endcmap"
        yield (
            f"text of {name}",
            build_page(
                say(f"text of {name}"),
                font=FONT[:-2] + b"/ToUnicode 6 0 R>>",
                extra=[stream(mapped)],
            ),
            indexed(),
        )
    type3 = b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]/FirstChar 32"
    type3 += b"/LastChar 126/Widths[9]/CharProcs<</a 6 0 R>>/Encoding<</Differences[32" + b"/a" * 95
    type3 += b"]>>/Resources<</Font<</F1 4 0 R>>>>>>"
    yield (
        "font drawn with itself",
        build_page(say("itself"), font=type3, extra=[stream(b"9 0 d0 BT /F1 9 Tf (aaa) Tj ET")]),
        indexed(),
    )


def list_forms() -> Named:
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 400 300]"

    def chain(name: str, forms: list[bytes]) -> bytes:
        return build_page(
            say(name), content=b"/X Do\n", resources=b"/XObject<</X 6 0 R>>", extra=forms
        )

    def draws(number: int, times: int = 1) -> bytes:
        resources = b"/Resources<</XObject<</X %d 0 R>>>>" % number
        return stream(b"/X Do\n" * times, form + resources)

    yield "form drawn by itself", chain("itself", [draws(6)]), indexed()
    yield "two forms that draw each other", chain("each other", [draws(7), draws(6)]), indexed()
    yield (
        "forms nested a thousand deep",
        chain("nesting", [draws(number + 1) for number in range(6, 1_006)] + [stream(b"", form)]),
        indexed(),
    )
    # Twelve forms, each drawing the next ten times: a million million drawings in 2 kB.
    yield (
        "a billion laughs",
        chain("laughs", [draws(n + 1, 10) for n in range(6, 18)] + [stream(b"0 0 9 9 re f", form)]),
        TOO_SLOW,
    )
    mask = b"<</SMask<</S/Luminosity/G 6 0 R>>>>"
    yield (
        "mask drawn with itself",
        build_page(
            say("a mask"),
            content=b"/G gs /X Do\n",
            resources=b"/ExtGState<</G 7 0 R>>/XObject<</X 6 0 R>>",
            extra=[
                stream(
                    b"/G gs 0 0 99 99 re f",
                    form + b"/Group<</S/Transparency>>/Resources<</ExtGState<</G 7 0 R>>>>",
                ),
                mask,
            ],
        ),
        indexed(),
    )


def list_drawings() -> Named:
    def drawing(name: str, content: bytes, resources: bytes = b"", *extra: bytes) -> bytes:
        return build_page(say(name), content=content, resources=resources, extra=extra)

    yield "million states saved", drawing("states", b"q " * 1_000_000), TOO_MUCH
    yield "million states restored", drawing("restored", b"Q " * 1_000_000), TOO_MUCH
    yield "operands without end", drawing("operands", b"9 " * 2_000_000 + b"re f\n"), TOO_MUCH
    yield (
        "numbers that are none",
        drawing("numbers", b"1e99 -1e99 NaN inf re f 1 0 0 1 1e38 1e38 cm 0 0 1e38 1e38 re S\n"),
        indexed(),
    )
    yield (
        "dashes too fine",
        drawing("dashes", b"[0.00001 0.00001] 0 d 50 w 0 0 m 400 300 l S\n" * 20),
        TOO_MUCH,
    )
    pattern = b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/Resources<<>>"
    for name, step in (("fine", b"0.5"), ("none", b"0"), ("not a number", b"NaN")):
        tiles = stream(b"0 0 9 9 re f", pattern + b"/XStep " + step + b"/YStep " + step)
        content = b"/Pattern cs /P scn 0 0 400 300 re f\n"
        yield (
            f"tiles whose step is {name}",
            drawing(f"tiles {name}", content, b"/Pattern<</P 6 0 R>>", tiles),
            TOO_MUCH,
        )
    tiles = stream(
        b"/Pattern cs /P scn 0 0 9 9 re f",
        pattern.replace(b"/Resources<<>>", b"/Resources<</Pattern<</P 6 0 R>>>>")
        + b"/XStep 9/YStep 9",
    )
    yield (
        "tiles of themselves",
        drawing(
            "themselves", b"/Pattern cs /P scn 0 0 400 300 re f\n", b"/Pattern<</P 6 0 R>>", tiles
        ),
        TOO_SLOW,
    )
    for kind, entries in (
        (1, b"/Domain[-1e9 1e9 -1e9 1e9]/Function 7 0 R"),
        (3, b"/Coords[0 0 0 9 9 1e30]/Extend[true true]/Function 7 0 R"),
        (7, b"/BitsPerCoordinate 32/BitsPerComponent 16/BitsPerFlag 8/Decode[0 1 0 1 0 1]"),
    ):
        shading = b"/ShadingType %d/ColorSpace/DeviceGray" % kind + entries
        body = stream(b"\x00\xff" * 99_999, shading) if kind == 7 else b"<<" + shading + b">>"
        function = stream(
            b"{ " + b"dup mul " * 5_000 + b"}", b"/FunctionType 4/Domain[0 1]/Range[0 1]"
        )
        yield (
            f"shading {kind} without end",
            drawing(f"shading {kind}", b"/S sh\n", b"/Shading<</S 6 0 R>>", body, function),
            TOO_MUCH,
        )
    yield (
        "path of a million curves",
        drawing("curves", b"0 0 m " + b"1 300 400 1 9 250 c " * 300_000 + b"f\n"),
        TOO_MUCH,
    )
