"""Turns drawn sheets into what a flatbed scanner would have made of them, and the old letter."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence

import numpy as np
from pages import CORPUS, FONTS, Sheet
from PIL import Image, ImageDraw, ImageFilter, ImageFont

TYPE_INK = (38, 36, 44)
PEN_INK = (36, 48, 104)


def face(name: str, size: float) -> ImageFont.FreeTypeFont:
    """Opens one of matplotlib's fonts at a size in pixels."""
    return ImageFont.truetype(str(FONTS / f"{name}.ttf"), size)


def blank(width: int, height: int, tint: tuple[int, int, int]) -> Image.Image:
    """A clean sheet of tinted paper."""
    return Image.new("RGB", (width, height), tint)


def typed(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    lines: Sequence[str],
    size: int,
    leading: int,
    seed: int,
    name: str = "DejaVuSansMono",
    ink: tuple[int, int, int] = TYPE_INK,
) -> int:
    """Types lines with the slightly uneven strike of a typewriter.

    Returns:
        The y just below the last line.
    """
    rng = np.random.default_rng(seed)
    font = face(name, size)
    step = font.getlength("m")
    x0, y = at
    for line in lines:
        for i, letter in enumerate(line):
            if letter != " ":
                lift = float(rng.normal(0, size * 0.014))
                pale = int(rng.integers(0, 34))
                shade = (ink[0] + pale, ink[1] + pale, ink[2] + pale)
                draw.text((x0 + i * step, y + lift), letter, font=font, fill=shade)
        y += leading
    return y


def scanned(sheet: Image.Image, angle: float, seed: int, noise: float = 4.0) -> Image.Image:
    """Tilts a sheet, lets its paper show grain and stains, and softens it as a lens would."""
    rng = np.random.default_rng(seed)
    corner = sheet.getpixel((3, 3))
    assert isinstance(corner, tuple)
    tilted = sheet.rotate(angle, resample=Image.Resampling.BICUBIC, fillcolor=corner)
    soft = tilted.filter(ImageFilter.GaussianBlur(0.55))
    pixels = np.asarray(soft, dtype=np.float32)
    height, width = pixels.shape[:2]
    coarse = Image.fromarray(rng.integers(0, 255, (9, 7), dtype=np.uint8))
    clouds = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
    grain = rng.normal(0, noise, (height, width, 1)).astype(np.float32)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    edge = np.minimum.reduce([xs, ys, width - xs, height - ys])
    shade = np.clip(1 - edge / (0.05 * width), 0, 1)[..., None] * 22
    pixels = pixels + (clouds[..., None] - 127) * 0.045 + grain - shade
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


LETTER_1 = """\
To the Commissioners of Northern Harbours
Harbour House, Port Haldry

                                       9 November 1931

Gentlemen,

I have the honour to report on the gale that struck
this station in the night of Tuesday the 3rd.

The wind backed into the west-north-west at six in the
evening and by nine I could not stand upon the gallery.
The glass fell to 28.41 inches, the lowest in my
fourteen years here. At ten minutes past eleven a sea
came over the lantern itself and broke three panes on
the weather side. The lamp went out.

I relit her after forty-seven minutes, having stopped
the holes with the lid of the coal bin, two hatch
boards and my oilskin coat.

In those minutes my daughter Isla, who is sixteen, went
down to the bell house by the rope and rang the fog bell
by hand, two strokes to the minute, and would not be
relieved until four in the morning. The master of the
mail steamer Corrin has since told me that he heard the
bell, though he could see no light, and so held off
from the Gannet Stacks with 83 souls aboard.""".splitlines()

LETTER_2 = """\
We lost the hen house, the privy roof, and two goats.
The cow is well. The landing crane is bent and must
not be trusted with more than two hundredweight.

I respectfully request that the following be sent with
the relief boat on the 21st:

   3   panes of plate glass, 30 by 36 inches
  12   gallons of paraffin
  60   fathoms of bell rope
   4   pounds of red lead putty
   1   oilskin coat, large
   1   lid for a coal bin

I would further ask the Commissioners to consider a
payment to my daughter at the rate of an assistant
keeper, which I understand to be nine shillings a
night. She has not asked for it and does not know
that I write.

I have the honour to be, Gentlemen,
your obedient servant,""".splitlines()


def _letterhead(draw: ImageDraw.ImageDraw, width: int) -> None:
    navy = (44, 58, 92)
    bold = face("DejaVuSerif-Bold", 44)
    small = face("DejaVuSerif", 22)
    draw.text((width / 2, 112), "COLD NESS LIGHT STATION", font=bold, fill=navy, anchor="mm")
    draw.text((width / 2, 160), "ISLE OF HALDRY", font=small, fill=navy, anchor="mm")
    draw.line((150, 196, width - 150, 196), fill=navy, width=3)
    draw.line((150, 203, width - 150, 203), fill=navy, width=1)
    draw.text((150, 232), "No. 44 of 1931", font=small, fill=navy)


def _signature(sheet: Image.Image, x: int, y: int) -> None:
    """Writes the keeper's name in blue ink over a flourish."""
    scale = 3
    pad = Image.new("L", (520 * scale, 150 * scale), 0)
    draw = ImageDraw.Draw(pad)
    font = face("DejaVuSerif-Italic", 50 * scale)
    draw.text((20 * scale, 30 * scale), "Ewan Tarrick", font=font, fill=235)
    t = np.linspace(0, 1, 90)
    xs = (20 + 370 * t) * scale
    ys = (108 + 9 * np.sin(t * 9) * (1 - t) - 10 * t) * scale
    points = [(float(a), float(b)) for a, b in zip(xs, ys, strict=True)]
    draw.line(points, fill=220, width=3 * scale, joint="curve")
    slanted = pad.transform(
        pad.size,
        Image.Transform.AFFINE,
        (1, 0.16, -10 * scale, -0.03, 1, 0),
        Image.Resampling.BICUBIC,
    )
    mask = slanted.resize((520, 150), Image.Resampling.LANCZOS)
    sheet.paste(Image.new("RGB", mask.size, PEN_INK), (x, y), mask)


def _pages() -> list[Image.Image]:
    """The two typed sheets, before the scanner."""
    width, height = 1310, 1853
    tint = (241, 232, 211)
    first, second = blank(width, height, tint), blank(width, height, tint)
    draw = ImageDraw.Draw(first)
    _letterhead(draw, width)
    y = typed(draw, (150, 310), LETTER_1, 29, 47, 1)
    typed(draw, (820, y + 60), ["Please turn over"], 24, 40, 2)
    draw = ImageDraw.Draw(second)
    typed(draw, (150, 130), ["- 2 -"], 27, 44, 3)
    y = typed(draw, (150, 220), LETTER_2, 29, 47, 4)
    _signature(second, 590, y + 10)
    y = typed(draw, (610, y + 150), ["Ewan Tarrick", "Principal Keeper"], 27, 42, 5)
    note = ["P.S. The ship's cat of the Corrin, called Bosun, came", "ashore and has not left."]
    typed(draw, (150, y + 50), note, 27, 44, 6)
    stamp = Image.new("L", (420, 190), 0)
    pen = ImageDraw.Draw(stamp)
    pen.rounded_rectangle((6, 6, 413, 183), 18, outline=190, width=5)
    bold = face("DejaVuSans-Bold", 36)
    for i, line in enumerate(("RECEIVED", "14 NOV 1931", "HARBOUR HOUSE")):
        pen.text((210, 46 + i * 50), line, font=bold, fill=190, anchor="mm")
    stamp = stamp.rotate(5, resample=Image.Resampling.BICUBIC, expand=True)
    second.paste(Image.new("RGB", stamp.size, (150, 40, 48)), (136, 1272), stamp)
    return [first, second]


def build() -> None:
    """Writes the scanned letter: JPEG pictures in a PDF, without a text layer."""
    pdf = Sheet("Scan 0044", "Harbour House archive", dt.date(2019, 5, 20), families=())
    for number, (sheet, angle) in enumerate(zip(_pages(), (0.4, -0.4), strict=True)):
        buffer = io.BytesIO()
        picture = scanned(sheet, angle, 31 + number)
        picture.save(buffer, format="JPEG", quality=66, dpi=(158, 158))
        buffer.seek(0)
        pdf.add_page()
        pdf.image(buffer, 0, 0, 210, 297)
    pdf.output(str(CORPUS / "keepers-letter-1931-scan.pdf"))
