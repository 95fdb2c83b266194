"""Pictures that are wrong: bombs, damage, odd modes, frames, profiles and EXIF."""

import io
import struct
import zlib
from collections.abc import Iterator
from functools import cache

import pillow_heif
from PIL import Image, ImageCms

from tests.documents import draw_lines, draw_noise, encode_image, png_chunk
from tests.hostile.cases import (
    CUT_OFF,
    EOF_OR_DAMAGED,
    Case,
    Expectation,
    either,
    indexed,
    partly,
    refused,
)

Named = Iterator[tuple[str, bytes, Expectation]]

PNG_HEADER = b"\x89PNG\r\n\x1a\n"
TOO_LARGE = refused(r"megapixels\); the limit is 200 megapixels")
TRUNCATED_KIB = range(1, 12)
# EXIF, a little-endian TIFF: orientation is tag 0x112.
EXIF_START = b"Exif\x00\x00II*\x00\x08\x00\x00\x00"


def list_cases() -> Iterator[Case]:
    for make in (list_pngs, list_jpegs, list_tiffs, list_other_formats, list_modes):
        for name, content, expected in make():
            yield Case(f"pictures/{name}", lambda content=content: content, expected)
    for suffix, pillow_format in (
        ("png", "PNG"),
        ("jpg", "JPEG"),
        ("gif", "GIF"),
        ("webp", "WEBP"),
    ):
        whole = encode_image(draw_card("kilobytes").quantize(8).convert("RGB"), pillow_format)
        whole = whole if len(whole) > 12 << 10 else encode_image(draw_noise(), pillow_format)
        for kib in TRUNCATED_KIB:
            name = f"pictures/cut off after {kib} KiB.{suffix}"
            yield Case(name, lambda whole=whole, kib=kib: whole[: kib << 10], CUT_OFF)


@cache
def draw_card(words: str) -> Image.Image:
    return draw_lines([f"The card about {words}"], (640, 480))


def build_png(
    width: int,
    height: int,
    depth: int,
    colour: int,
    data: bytes,
    *,
    chunks: bytes = b"",
    lace: int = 0,
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, lace)
    content = PNG_HEADER + png_chunk(b"IHDR", header) + chunks
    return content + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def list_pngs() -> Named:
    rows = zlib.compress((b"\x00" + b"\x7f" * 30) * 10)
    yield "bomb.png", build_png(60_000, 60_000, 8, 2, zlib.compress(bytes(1 << 20))), TOO_LARGE
    yield "four billion wide.png", build_png(2**31 - 1, 2**31 - 1, 1, 0, rows), TOO_LARGE
    yield "no area.png", build_png(0, 0, 8, 2, rows), EOF_OR_DAMAGED
    yield "three bits deep.png", build_png(10, 10, 3, 2, rows), EOF_OR_DAMAGED
    yield "palette is missing.png", build_png(30, 10, 8, 3, rows), EOF_OR_DAMAGED
    yield "rows are missing.png", build_png(90, 90, 8, 2, rows), EOF_OR_DAMAGED
    yield "data is garbage.png", build_png(10, 10, 8, 2, b"garbage" * 99), CUT_OFF
    yield "too much data.png", build_png(10, 10, 8, 2, zlib.compress(bytes(1 << 26))), indexed()
    text = b"Comment\x00\x00" + zlib.compress(bytes(100 << 20))
    yield (
        "text bomb.png",
        build_png(10, 10, 8, 2, rows, chunks=png_chunk(b"zTXt", text)),
        EOF_OR_DAMAGED,
    )
    profile = b"icc\x00\x00" + zlib.compress(bytes(20 << 20))
    yield (
        "profile bomb.png",
        build_png(10, 10, 8, 2, rows, chunks=png_chunk(b"iCCP", profile)),
        EOF_OR_DAMAGED,
    )
    whole = encode_image(draw_card("checksums"), "PNG")
    yield "wrong checksum.png", whole.replace(b"IEND", b"IENX"), EOF_OR_DAMAGED
    spot = whole.index(b"IDAT") + 40
    yield (
        "bytes flipped.png",
        whole[:spot] + bytes(255 - byte for byte in whole[spot : spot + 9]) + whole[spot + 9 :],
        CUT_OFF,
    )
    yield "header twice.png", whole[:33] + whole[8:], EOF_OR_DAMAGED
    side = 8_000
    row = b"\x00" + b"\xff" * -(-side // 8)
    yield (
        "64 megapixels.png",
        build_png(side, side, 1, 0, zlib.compress(row * side)),
        indexed(),
    )
    frames = [draw_noise((40, 30)).rotate(turn) for turn in range(0, 300, 3)]
    target = io.BytesIO()
    frames[0].save(target, "PNG", save_all=True, append_images=frames[1:])
    yield "hundred frames.png", target.getvalue(), indexed()


def exif(entries: bytes, n_entries: int, following: int = 0) -> bytes:
    return EXIF_START + struct.pack("<H", n_entries) + entries + struct.pack("<I", following)


def list_jpegs() -> Named:
    def with_exif(words: str, content: bytes) -> bytes:
        target = io.BytesIO()
        draw_card(words).save(target, "JPEG", exif=content)
        return target.getvalue()

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        return struct.pack("<HHII", tag, kind, count, value)

    whole = encode_image(draw_card("markers"), "JPEG")
    frame = whole.index(b"\xff\xc0")

    def with_size(height: int, width: int) -> bytes:
        return whole[: frame + 5] + struct.pack(">HH", height, width) + whole[frame + 9 :]

    yield "upside down.jpg", with_exif("upside down", exif(entry(0x112, 3, 1, 3), 1)), indexed()
    yield "on its side.jpg", with_exif("its side", exif(entry(0x112, 3, 1, 6), 1)), indexed()
    yield "orientation 99.jpg", with_exif("99", exif(entry(0x112, 3, 1, 99), 1)), indexed()
    yield (
        "orientation is a text.jpg",
        with_exif("a text", exif(entry(0x112, 2, 4, 0x616161), 1)),
        indexed(),
    )
    yield (
        "EXIF in a circle.jpg",
        with_exif("a circle", exif(entry(0x8769, 4, 1, 8), 1, 8)),
        indexed(),
    )
    yield (
        "EXIF of billions.jpg",
        with_exif("billions", exif(entry(0x112, 5, 0xFFFFFFFF, 0xFFFFFFF0) * 9, 65_535)),
        indexed(),
    )
    yield "EXIF of garbage.jpg", with_exif("garbage", b"Exif\x00\x00garbage" * 99), indexed()
    yield "EXIF is empty.jpg", with_exif("nothing", b"Exif\x00\x00"), indexed()
    target = io.BytesIO()
    draw_card("junk colours").save(target, "JPEG", icc_profile=b"junk" * 9_000)
    yield "profile of junk.jpg", target.getvalue(), indexed()
    target = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    draw_card("wrong colours").save(target, "JPEG", icc_profile=profile)
    yield "profile of other colours.jpg", target.getvalue(), indexed()
    yield "bomb.jpg", with_size(65_500, 65_500), TOO_LARGE
    yield "larger than its data.jpg", with_size(1_000, 1_000), EOF_OR_DAMAGED
    yield "no area.jpg", with_size(0, 0), EOF_OR_DAMAGED
    half = len(whole) * 2 // 3
    yield (
        "mangled.jpg",
        whole[:half] + b"\x12\x34\xff\x77" * 40 + whole[half + 160 :],
        EOF_OR_DAMAGED,
    )
    for name, marker in (
        ("quantisation", b"\xff\xdb"),
        ("Huffman", b"\xff\xc4"),
        ("scan", b"\xff\xda"),
    ):
        yield (
            f"no {name} table.jpg",
            whole.replace(marker, b"\xff\xfe"),
            EOF_OR_DAMAGED,
        )
    for name, marker in (("arithmetic", b"\xc9"), ("lossless", b"\xc3"), ("hierarchical", b"\xc5")):
        content = whole[: frame + 1] + marker + whole[frame + 2 :]
        yield f"{name}.jpg", content, EOF_OR_DAMAGED
    yield "junk behind.jpg", whole + b"junk" * 99_999, indexed()
    yield "never begins.jpg", b"\xff\xd8\xff" + b"\xff" * 50_000, EOF_OR_DAMAGED
    target = io.BytesIO()
    draw_noise((640, 480)).save(target, "JPEG", progressive=True)
    scans = target.getvalue()
    last = scans.rindex(b"\xff\xda")
    yield "three thousand scans.jpg", scans[:-2] + scans[last:-2] * 300 + scans[-2:], EOF_OR_DAMAGED
    yield (
        "comment names a PDF.jpg",
        whole[:2] + b"\xff\xfe\x00\x0b%PDF-1.7\n" + whole[2:],
        indexed(),
    )


def build_tiff(directories: list[list[tuple[int, int, int, int]]], *, loop: bool = False) -> bytes:
    """A little-endian TIFF of these directories of (tag, kind, count, value), and a kilobyte."""
    content, offset = b"II*\x00", 8
    content += struct.pack("<I", offset)
    for number, entries in enumerate(directories):
        offset += 2 + 12 * len(entries) + 4
        is_last = number == len(directories) - 1
        following = (8 if loop else 0) if is_last else offset
        content += struct.pack("<H", len(entries))
        content += b"".join(struct.pack("<HHII", *entry) for entry in entries)
        content += struct.pack("<I", following)
    return content + b"\x7f" * 1_024


def tiff_entries(width: int, height: int, **changed: int) -> list[tuple[int, int, int, int]]:
    values = {
        "width": (256, 4, width),
        "height": (257, 4, height),
        "bits": (258, 3, 8),
        "compression": (259, 3, 1),
        "colours": (262, 3, 1),
        "offset": (273, 4, 8),
        "samples": (277, 3, 1),
        "rows": (278, 4, height),
        "n_bytes": (279, 4, width * height),
    }
    return [
        (tag, kind, 1, changed.get(name, value) & 0xFFFFFFFF)
        for name, (tag, kind, value) in values.items()
    ]


def list_tiffs() -> Named:
    plain = tiff_entries(20, 20)
    yield "frames in a circle.tiff", build_tiff([plain, plain], loop=True), EOF_OR_DAMAGED
    yield "five frames in a circle.tiff", build_tiff([plain] * 5, loop=True), EOF_OR_DAMAGED
    yield "bomb.tiff", build_tiff([tiff_entries(60_000, 60_000)]), TOO_LARGE
    yield "billions of pixels.tiff", build_tiff([tiff_entries(2**31, 2**31)]), TOO_LARGE
    yield (
        "bomb as second frame.tiff",
        build_tiff([plain, tiff_entries(60_000, 60_000)]),
        partly("page 2 is left out: the picture has 60000 x 60000 pixels"),
    )
    yield (
        "second frame elsewhere.tiff",
        build_tiff([plain, tiff_entries(20, 20, offset=2**31)]),
        partly("page 2 is left out: the picture is (cut off|damaged)"),
    )
    for name, entries in (
        ("no area", tiff_entries(0, 0)),
        ("data is elsewhere", tiff_entries(20, 20, offset=2**32 - 1)),
        ("strip of billions", tiff_entries(2_000, 2_000, n_bytes=2**32 - 1)),
        ("compressed unknown", tiff_entries(20, 20, compression=31_337)),
        ("65535 samples", tiff_entries(20, 20, samples=65_535)),
        ("no bits", tiff_entries(20, 20, bits=0)),
        ("deflated garbage", tiff_entries(20, 20, compression=8)),
        ("fax of garbage", tiff_entries(1_728, 2_000, compression=4, bits=1)),
        ("JPEG of garbage", tiff_entries(20, 20, compression=7)),
        ("LZW of garbage", tiff_entries(20, 20, compression=5)),
    ):
        yield f"{name}.tiff", build_tiff([entries]), EOF_OR_DAMAGED
    yield "no directory.tiff", b"II*\x00\xff\xff\xff\x7f", EOF_OR_DAMAGED
    yield "directory of garbage.tiff", b"II*\x00\x08\x00\x00\x00" + b"\xff" * 4_000, EOF_OR_DAMAGED
    yield "big and garbage.tiff", b"II+\x00\x08\x00\x00\x00" + b"\xff" * 4_000, EOF_OR_DAMAGED
    target = io.BytesIO()
    cards = [draw_card(words) for words in ("a first frame", "a second frame", "a third frame")]
    cards[0].save(target, "TIFF", save_all=True, append_images=cards[1:], compression="tiff_lzw")
    content = target.getvalue()
    yield "last frame cut off.tiff", content[: len(content) * 2 // 3], EOF_OR_DAMAGED


def list_other_formats() -> Named:
    screen = struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
    yield "bomb.gif", b"GIF89a" + screen + b"," + bytes(9) + b"\x08\x00;", TOO_LARGE
    gif = encode_image(draw_card("animals"), "GIF")
    yield "no picture.gif", gif[:13] + b";", EOF_OR_DAMAGED
    yield "garbage.gif", gif[:800] + b"\xff\x31" * 400, EOF_OR_DAMAGED
    frames = [draw_noise((60, 40)).rotate(turn) for turn in range(200)]
    for suffix in ("gif", "webp"):
        target = io.BytesIO()
        frames[0].save(target, suffix.upper(), save_all=True, append_images=frames[1:])
        yield f"two hundred frames.{suffix}", target.getvalue(), indexed()
        content = target.getvalue()
        yield f"frames cut off.{suffix}", content[: len(content) // 2], EOF_OR_DAMAGED
    webp = encode_image(draw_card("webs"), "WEBP")
    yield "garbage.webp", webp[:40] + b"\xff\x31" * 400, EOF_OR_DAMAGED
    canvas = b"VP8X\x0a\x00\x00\x00\x10\x00\x00\x00" + b"\xff" * 6
    yield (
        "bomb.webp",
        b"RIFF\x00\x01\x00\x00WEBP" + canvas + webp[12:],
        either("damaged|megapixels"),
    )
    yield "empty.webp", b"RIFF\x04\x00\x00\x00WEBP", EOF_OR_DAMAGED
    bmp = encode_image(draw_card("maps"), "BMP")
    for name, width, height in (
        ("bomb", 60_000, 60_000),
        ("no area", 0, 0),
        ("lowest", 9, -(2**31)),
    ):
        content = bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
        yield f"{name}.bmp", content, either("damaged|cut off|megapixels")
    yield "header alone.bmp", bmp[:54], EOF_OR_DAMAGED
    yield "a letter.bmp", b"BMW has called back the cars of 2019.\n" * 9, EOF_OR_DAMAGED
    pillow_heif.register_heif_opener()
    heic = encode_image(draw_card("whales"), "HEIF")
    yield "cut off.heic", heic[: len(heic) // 2], CUT_OFF
    yield "header alone.heic", heic[:32], EOF_OR_DAMAGED
    yield "garbage.heic", heic[:40] + b"\xff\x31" * 4_000, EOF_OR_DAMAGED
    spot = heic.index(b"ispe") + 8
    yield (
        "bomb.heic",
        heic[:spot] + b"\x7f\xff\xff\xff" * 2 + heic[spot + 8 :],
        either("damaged|megapixels"),
    )
    spot = heic.index(b"iloc") + 4
    yield "nowhere.heic", heic[:spot] + b"\xff" * 60 + heic[spot + 60 :], EOF_OR_DAMAGED


def list_modes() -> Named:
    """Good pictures, in every mode that a format has."""
    for name, mode, pillow_format, question in (
        ("printed.jpg", "CMYK", "JPEG", "whippoorwill"),
        ("gray.jpg", "L", "JPEG", "tambourine"),
        ("palette.gif", "P", "GIF", "marmalade"),
        ("one bit.png", "1", "PNG", "hurricane"),
        ("see-through.webp", "RGBA", "WEBP", "snowdrops"),
        ("fax.tiff", "1", "TIFF", "locomotive"),
        ("map.bmp", "P", "BMP", "peninsula"),
    ):
        picture = draw_card(question).convert(mode)
        yield f"good {name}", encode_image(picture, pillow_format), indexed(question)
    deep = draw_card("observatory").convert("L").convert("I").point(lambda value: value * 257)
    yield "good 16 bits.png", encode_image(deep.convert("I;16"), "PNG"), indexed("observatory")
    heic = encode_image(draw_card("dandelion"), "HEIF")
    yield "good photo.heic", heic, indexed("dandelion")
    turned = draw_card("accordion").rotate(90, expand=True)
    target = io.BytesIO()
    turned.save(target, "JPEG", exif=exif(struct.pack("<HHII", 0x112, 3, 1, 6), 1))
    yield "good turned.jpg", target.getvalue(), indexed("accordion")
