"""Two typed index cards of the observatory, scanned into one TIFF of two frames."""

from __future__ import annotations

from collections.abc import Sequence

from pages import CORPUS
from PIL import Image, ImageDraw
from scans import blank, face, scanned, typed

GAUGE = """\
Object        Tide gauge, float type, weekly drum
Maker         Pell & Ormond, number 2278
Received      14 May 1956, by the ferry
Range         7.5 metres
Standing in   Stilling well, Low Quay
Winding       Mondays before nine

1958  Feb 2   Float chain slipped. Record lost, 31 hours.
1961  Aug 19  New pen arm, old one bent by a visitor.
1964  Mar 30  Clock cleaned and oiled, gains 2 min a week.
1967  Dec 11  Replaced by electric gauge. Kept for spare.""".splitlines()

BIRD = """\
Ring          HX 40913
Species       Manx shearwater
Sex / age     not known / chick in burrow
Ringed        24 August 1961, Tern Moor, burrow 28
Weight        512 grams
Ringer        A. Varr, aided by the school

FOUND         2 October 1961
Place         On deck of fishing boat, off Recife, Brazil
Distance      about 7,300 kilometres in 39 days at most
Outcome       Released alive, ring read and left on""".splitlines()


def _card(
    title: str, number: str, lines: Sequence[str], tint: tuple[int, int, int], seed: int
) -> Image.Image:
    """Draws one ruled card with a heading, a punched hole and typed lines."""
    width, height = 1260, 800
    sheet = blank(width, height, tint)
    draw = ImageDraw.Draw(sheet)
    for row in range(11):
        y = 216 + row * 50
        draw.line((60, y, width - 60, y), fill=(176, 196, 208), width=2)
    draw.line((60, 150, width - 60, 150), fill=(190, 84, 84), width=3)
    heading = face("DejaVuSerif-Bold", 32)
    draw.text((70, 58), "COLD NESS TIDE OBSERVATORY", font=heading, fill=(52, 60, 78))
    draw.text((70, 102), title, font=face("DejaVuSerif", 27), fill=(52, 60, 78))
    draw.text(
        (width - 70, 80), number, font=face("DejaVuSans-Bold", 42), fill=(150, 44, 44), anchor="rm"
    )
    typed(draw, (70, 178), lines, 28, 50, seed)
    draw.ellipse((width / 2 - 24, height - 70, width / 2 + 24, height - 22), fill=(92, 88, 84))
    return sheet


def build() -> None:
    """Writes the TIFF; both frames are JPEG-compressed at 200 dots per inch."""
    first = _card("Instruments", "No. 112", GAUGE, (244, 236, 214), 11)
    second = _card("Ringed birds", "No. 589", BIRD, (226, 236, 224), 12)
    frames = [scanned(first, -0.5, 41, 3.0), scanned(second, 0.4, 42, 3.0)]
    frames[0].save(
        CORPUS / "observatory-index-cards.tiff",
        save_all=True,
        append_images=frames[1:],
        compression="jpeg",
        quality=74,
        dpi=(200, 200),
    )
