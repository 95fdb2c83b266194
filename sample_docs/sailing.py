"""The sailing boat at noon, a picture without words."""

from __future__ import annotations

import numpy as np
from pages import CORPUS
from paint import (
    Colour,
    Pixels,
    Point,
    above,
    clouds,
    curve,
    finish,
    glow,
    gradient,
    mask,
    over,
    ridge,
)


def build() -> None:
    """Paints a little sloop under summer clouds."""
    width, height, horizon = 2000, 1400, 800
    canvas = gradient(
        width, height, ((0, (58, 134, 204)), (0.57, (196, 226, 240)), (1, (196, 226, 240)))
    )
    rng = np.random.default_rng(21)
    for cx, cy, size in (
        (420, 330, 1.2),
        (1500, 250, 1.5),
        (1040, 560, 0.8),
        (120, 600, 0.7),
        (1850, 560, 0.9),
    ):
        puff = np.zeros((height, width), dtype=np.float32)
        for _ in range(26):
            dx, lift = rng.normal(0, 120 * size), abs(rng.normal(0, 44 * size))
            r = size * rng.uniform(36, 82) * np.exp(-((dx / (260 * size)) ** 2))
            puff = np.maximum(puff, glow(width, height, (cx + dx, cy - lift), r, 1.15))
        puff = np.clip((puff - 0.3) * 2.6, 0, 1)
        rows = np.clip((np.arange(height, dtype=np.float32) - cy + 90 * size) / (150 * size), 0, 1)
        tone = np.stack([255 - 58 * rows, 255 - 46 * rows, 255 - 30 * rows], axis=-1)
        over(canvas, np.repeat(tone[:, None, :], width, axis=1), puff * 0.94)
    far = ridge(height, [(900, 800), (1180, 742), (1420, 716), (1700, 760), (2000, 738)], 5, 0.8)
    over(canvas, (116, 150, 164), above(mask(width, height, far), horizon))
    deep = gradient(
        width, height - horizon, ((0, (86, 168, 184)), (0.35, (38, 128, 156)), (1, (12, 74, 108)))
    )
    swell = clouds(width, height - horizon, (8, 26), 14, 4) - 0.5
    depth = np.linspace(0.3, 1.2, height - horizon, dtype=np.float32)[:, None]
    canvas[horizon:] = deep + (swell * 74 * depth)[..., None]
    crest = np.clip((swell - 0.26) * 9, 0, 1) * depth
    over(canvas[horizon:], (232, 246, 246), crest * 0.6)
    mirror = mask(width, height, [(610, 1010), (1230, 1010), (1010, 1330), (800, 1300)], blur=26)
    wobble = np.clip(clouds(width, height, (12, 70), 15, 3) * 1.5 - 0.2, 0, 1)
    over(canvas, (232, 232, 216), mirror * wobble * 0.5)
    _boat(canvas)
    finish(canvas, 2).save(CORPUS / "sailing-boat-at-noon.png", optimize=True)


def _boat(canvas: Pixels) -> None:
    """Paints hull, mast, sails and three gulls."""
    height, width = canvas.shape[:2]
    xs = np.arange(width, dtype=np.float32)[None, :, None]

    def sail(points: list[Point], left: float, right: float, tint: Colour) -> None:
        t = np.clip((xs - left) / (right - left), 0, 1)
        shade = 1.02 - 0.24 * t**1.6 - 0.14 * (1 - t) ** 5
        paint = np.broadcast_to(np.asarray(tint, dtype=np.float32) * shade, canvas.shape)
        over(canvas, paint.astype(np.float32), mask(width, height, points))

    main = [
        *curve([(900, 230), (1010, 470), (1100, 700), (1180, 868)]),
        *curve([(1180, 868), (1040, 884), (906, 872)]),
    ]
    jib = [
        *curve([(880, 290), (800, 540), (690, 770), (596, 902)]),
        *curve([(596, 902), (730, 890), (846, 872)]),
        *curve([(846, 872), (868, 600), (880, 290)]),
    ]
    sail(main, 896, 1180, (250, 244, 228))
    sail(jib, 596, 884, (206, 84, 66))
    for y in (430, 570, 710):
        reach = 900 + (y - 230) * 0.44
        seam: list[Point] = [(902, y), (reach, y + 12), (reach, y + 15), (902, y + 3)]
        over(canvas, (206, 196, 176), mask(width, height, seam))
    over(
        canvas, (92, 62, 40), mask(width, height, [(888, 190), (898, 190), (904, 930), (886, 930)])
    )
    over(
        canvas,
        (92, 62, 40),
        mask(width, height, [(896, 876), (1200, 872), (1200, 882), (896, 888)]),
    )
    hull = [
        *curve([(560, 912), (760, 938), (1000, 938), (1258, 904)]),
        *curve([(1258, 904), (1226, 980), (1180, 1022)]),
        *curve([(1180, 1022), (900, 1040), (680, 1016), (560, 912)]),
    ]
    body = gradient(
        width,
        height,
        (
            (0, (24, 66, 92)),
            (0.65, (36, 92, 120)),
            (0.7, (18, 48, 70)),
            (0.75, (12, 34, 54)),
            (1, (12, 34, 54)),
        ),
    )
    over(canvas, body, mask(width, height, hull))
    rail = [
        *curve([(556, 908), (760, 932), (1000, 932), (1262, 898)]),
        *curve([(1262, 910), (1000, 944), (760, 944), (560, 920)]),
    ]
    over(canvas, (190, 138, 84), mask(width, height, rail))
    stripe = [
        *curve([(604, 960), (800, 982), (1000, 982), (1240, 956)]),
        *curve([(1238, 962), (1000, 989), (800, 989), (608, 967)]),
    ]
    over(canvas, (240, 232, 214), mask(width, height, stripe))
    flag = curve([(894, 186), (850, 196), (812, 182)]) + curve([(812, 212), (850, 224), (894, 214)])
    over(canvas, (226, 168, 60), mask(width, height, flag))
    foam = [
        *curve([(600, 1008), (760, 1030), (960, 1034), (1180, 1020), (1420, 1040)]),
        *curve([(1420, 1048), (1180, 1048), (900, 1056), (700, 1040), (580, 1016)]),
    ]
    over(canvas, (240, 250, 250), mask(width, height, foam, blur=5) * 0.85)
    for gx, gy, s in ((1340, 420, 1.0), (1450, 372, 0.7), (330, 520, 0.8)):
        wing = [
            (gx - 52 * s, gy - 8 * s),
            (gx - 24 * s, gy - 22 * s),
            (gx, gy),
            (gx + 26 * s, gy - 24 * s),
            (gx + 54 * s, gy - 6 * s),
        ]
        bird = [
            *curve(wing),
            *reversed(curve([(x, y + 9 * s * (1 - abs(x - gx) / (60 * s))) for x, y in wing])),
        ]
        over(canvas, (250, 250, 250), mask(width, height, bird))
