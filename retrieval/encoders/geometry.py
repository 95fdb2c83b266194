"""Where on the page each vector of a visual encoder lies.

The layout is read from what the processor made of this very page (the grid it reports, the tile
markers in its prompt), not from the processors' own grid functions: measured with colpali-engine
0.3.18, those give 736 patches for an A4 page in 768 (ColIdefics3), swap their arguments between
families, and fail on transformers 5 (ColPali).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import InvalidEmbedding

TILE_MARKER = re.compile(r"<row_(\d+)_col_(\d+)>")
WHOLE_PAGE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of a page's image tokens, in the order of the tokens.

    Attributes:
        boxes: float32 `[n_image_tokens, 4]`, fractions of the page, origin top left.
        grid: (rows, columns) where the tokens are one regular grid in row-major order, else None.
    """

    boxes: NDArray[np.float32]
    grid: tuple[int, int] | None


def lay_out_grid(
    rows: int, columns: int, area: tuple[float, float, float, float] = WHOLE_PAGE
) -> NDArray[np.float32]:
    """Boxes `[rows * columns, 4]` of a grid over an area of the page, row by row."""
    x0, y0, x1, y1 = area
    xs = np.linspace(x0, x1, columns + 1)
    ys = np.linspace(y0, y1, rows + 1)
    left, top = np.meshgrid(xs[:-1], ys[:-1])
    right, bottom = np.meshgrid(xs[1:], ys[1:])
    boxes = np.stack([left, top, right, bottom], axis=-1).reshape(-1, 4)
    return np.clip(boxes, 0.0, 1.0).astype(np.float32)


def lay_out_qwen(grid_thw: tuple[int, int, int], merge_size: int) -> Layout:
    """Qwen2-VL and 2.5: a row-major grid of merged patches.

    Args:
        grid_thw: the processor's `image_grid_thw`: (1, patch rows, patch columns) before merging.
        merge_size: patches merged along each side into one token.
    """
    rows, columns = grid_thw[1] // merge_size, grid_thw[2] // merge_size
    return Layout(lay_out_grid(rows, columns), (rows, columns))


def lay_out_square(n_tokens: int) -> Layout:
    """PaliGemma: the page squashed into a square, so a grid with as many rows as columns.

    Raises:
        InvalidEmbedding: the number is not a square.
    """
    side = math.isqrt(n_tokens)
    if side * side != n_tokens:
        raise InvalidEmbedding(f"{n_tokens} image tokens are not a square grid")
    return Layout(lay_out_grid(side, side), (side, side))


def lay_out_tiles(prompt: str, n_tokens: int, tokens_per_tile: int) -> Layout:
    """Idefics3 and SmolVLM: tiles row by row, each a square grid, then the whole page once more.

    Args:
        prompt: the decoded prompt, with a marker `<row_R_col_C>` (1-based) before each tile.
        n_tokens: image tokens of the page.
        tokens_per_tile: the processor's `image_seq_len`.

    Raises:
        InvalidEmbedding: markers and tokens disagree.
    """
    tiles = [(int(row), int(column)) for row, column in TILE_MARKER.findall(prompt)]
    if n_tokens != tokens_per_tile * (len(tiles) + 1):
        raise InvalidEmbedding(
            f"{n_tokens} image tokens, but {len(tiles)} tiles and a whole page "
            f"of {tokens_per_tile} each"
        )
    side = math.isqrt(tokens_per_tile)
    rows = max((row for row, _ in tiles), default=1)
    columns = max((column for _, column in tiles), default=1)
    boxes = [
        lay_out_grid(
            side,
            side,
            ((column - 1) / columns, (row - 1) / rows, column / columns, row / rows),
        )
        for row, column in tiles
    ]
    boxes.append(lay_out_grid(side, side))
    return Layout(np.concatenate(boxes), None if tiles else (side, side))


def place_tokens(
    is_image_token: NDArray[np.bool_], layout: Layout
) -> tuple[NDArray[np.float32], tuple[int, int] | None]:
    """Boxes for every token `[n_tokens, 4]`, NaN for those of the prompt, and the grid.

    Raises:
        InvalidEmbedding: the layout has another number of places than the page has image tokens.
    """
    n_image_tokens = int(is_image_token.sum())
    if n_image_tokens != len(layout.boxes):
        raise InvalidEmbedding(
            f"{n_image_tokens} image tokens, but {len(layout.boxes)} places on the page"
        )
    boxes = np.full((len(is_image_token), 4), np.nan, dtype=np.float32)
    boxes[is_image_token] = layout.boxes
    return boxes, layout.grid
