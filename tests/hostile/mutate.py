"""Small good files of every format, and random damage to them."""

import io
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pillow_heif
from PIL import Image

from tests.documents import draw_noise, draw_photo, write_text_pdf
from tests.hostile.pdf_content import draw_image, image_entries
from tests.hostile.pdf_structure import say
from tests.hostile.raw_pdf import build_page, stream

# What each format's parser acts on.
TOKENS: Mapping[str, tuple[bytes, ...]] = {
    "pdf": (
        *(b"/Kids", b"/Count", b"/Length", b"/Filter", b"/FlateDecode", b"/DCTDecode", b"/Prev"),
        *(b"/JBIG2Decode", b"/JPXDecode", b"/CCITTFaxDecode", b"/LZWDecode", b"/RunLengthDecode"),
        *(b"/ObjStm", b"/XRef", b"/Encrypt", b"/Parent", b"/Contents", b"/Resources", b"/Font"),
        *(b"/MediaBox", b"/Rotate", b"/UserUnit", b"/SMask", b"/ToUnicode", b"/Width", b"/Height"),
        *(b"obj", b"endobj", b"stream", b"endstream", b"xref", b"trailer", b"startxref", b"%%EOF"),
        *(b"<<", b">>", b"[", b"]", b"(", b")", b"<", b">", b"1 0 R", b"3 0 R", b"null", b"true"),
        *(b" Tj ", b" Do ", b" cm ", b" re f ", b" q ", b" Q ", b" BT ", b" ET ", b" sh ", b" gs "),
    ),
    "png": (
        b"IHDR",
        b"IDAT",
        b"PLTE",
        b"tRNS",
        b"iCCP",
        b"zTXt",
        b"eXIf",
        b"acTL",
        b"fdAT",
        b"IEND",
    ),
    "jpg": tuple(bytes((0xFF, marker)) for marker in (0xC0, 0xC2, 0xC4, 0xC9, *range(0xD0, 0xE3))),
    "tiff": (b"II*\x00", b"MM\x00*", b"\x00\x01\x04\x00", b"\x01\x01\x04\x00", b"\x11\x01\x04\x00"),
    "webp": (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"RIFF"),
    "gif": (b"GIF89a", b"!\xf9\x04", b"!\xff\x0bNETSCAPE2.0", b",", b";", b"\x21\xfe"),
    "heic": (
        b"ftyp",
        b"meta",
        b"iloc",
        b"iinf",
        b"ipco",
        b"ispe",
        b"hvcC",
        b"mdat",
        b"grid",
        b"iref",
    ),
    "bmp": (b"BM", b"\x28\x00\x00\x00", b"\x01\x00\x18\x00", b"\x02\x00\x00\x00"),
}

EXTREMES = (
    *(b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"),
    *(b"\x80\x00\x00\x00", b"\x00\x00\x00\x80", b"\xff\xff", b"\x00\x00", b"\x00", b"\xff"),
)
NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"255",
    b"65536",
    b"2147483647",
    b"-2147483648",
    b"4294967296",
    b"1e38",
)
MOST_DAMAGES = 5


def build_seeds(folder: Path) -> dict[str, list[bytes]]:
    """Good files by suffix; `folder` holds what a library can only write into a file."""
    pillow_heif.register_heif_opener()
    photo, noise = draw_photo((64, 48)), draw_noise((40, 30))
    jpeg, jp2 = save_all(photo, "JPEG"), save_all(photo, "JPEG2000")
    size = image_entries(*photo.size, b"/BitsPerComponent 8/ColorSpace/DeviceRGB")
    fax = image_entries(64, 48, b"/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/CCITTFaxDecode")
    frames = [noise, noise.rotate(90), photo.resize(noise.size)]
    return {
        "pdf": [
            build_page(say("damage")),
            draw_image("a JPEG", stream(jpeg, size + b"/Filter/DCTDecode")),
            draw_image("a JPEG 2000", stream(jp2, size + b"/Filter/JPXDecode")),
            draw_image("a fax", stream(b"\x26\xa0\xbf" * 99, fax)),
            write_text_pdf(
                folder / "seed.pdf", "A page of the harbour log.", "Another"
            ).read_bytes(),
        ],
        "png": [save_all(noise, "PNG"), save_all(noise.quantize(16), "PNG")],
        "jpg": [
            jpeg,
            save_all(noise, "JPEG", progressive=True),
            save_all(noise.convert("CMYK"), "JPEG"),
        ],
        "tiff": [
            save_all(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
            *(
                save_all(noise, "TIFF", compression=packing)
                for packing in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
            ),
            save_all(noise.convert("1"), "TIFF", compression="group4"),
        ],
        "webp": [
            save_all(noise, "WEBP"),
            save_all(noise.convert("RGBA"), "WEBP", lossless=True),
            save_all(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        ],
        "gif": [save_all(frames[0], "GIF", save_all=True, append_images=frames[1:])],
        "heic": [save_all(photo, "HEIF")],
        "bmp": [save_all(noise, "BMP"), save_all(noise.quantize(16), "BMP")],
    }


def save_all(picture: Image.Image, pillow_format: str, **options: object) -> bytes:
    target = io.BytesIO()
    # A copy: what one format leaves on a picture, another stumbles over.
    picture.copy().save(target, pillow_format, **options)
    return target.getvalue()


def damage(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """The content after some random damages; never the same content."""
    damaged = content
    for _ in range(rng.randint(1, MOST_DAMAGES)):
        damaged = rng.choice(DAMAGES)(damaged, suffix, rng) or content
    return damaged if damaged != content else content + b"\x00"


def flip_bits(content: bytes, suffix: str, rng: random.Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def insert_bytes(content: bytes, suffix: str, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + rng.randbytes(rng.randint(1, 32)) + content[at:]


def delete_bytes(content: bytes, suffix: str, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + content[at + rng.randint(1, 64) :]


def swap_chunks(content: bytes, suffix: str, rng: random.Random) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def repeat_chunk(content: bytes, suffix: str, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return (
        content[:end] + content[start : min(end, start + 4_096)] * rng.randint(1, 9) + content[end:]
    )


def write_token(content: bytes, suffix: str, rng: random.Random) -> bytes:
    token, at = rng.choice(TOKENS[suffix] + EXTREMES), rng.randrange(len(content))
    return content[:at] + token + content[at + rng.choice((0, len(token))) :]


def change_number(content: bytes, suffix: str, rng: random.Random) -> bytes:
    if suffix != "pdf":
        return write_token(content, suffix, rng)
    numbers = list(re.finditer(rb"(?<![\w.])-?\d+(?![\w.])", content))
    if not numbers:
        return content
    number = rng.choice(numbers)
    return content[: number.start()] + rng.choice(NUMBERS) + content[number.end() :]


Damage = Callable[[bytes, str, random.Random], bytes]
DAMAGES: tuple[Damage, ...] = (
    flip_bits,
    insert_bytes,
    delete_bytes,
    swap_chunks,
    repeat_chunk,
    write_token,
    change_number,
)
