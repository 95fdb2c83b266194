"""The page shown large: which one it is, what is lit up on it, and how to get to its neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image

from app.library import Library
from retrieval.records import Answer, Box, Hit
from ui.pictures import draw_blank, mark_corner, mark_region

# What to light up, where it is not one word of the question: that is its place among them.
ALL_EVIDENCE = -1
NO_EVIDENCE = -2

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PageView:
    """The page that is shown large.

    Attributes:
        page_index: 0-based.
        n_pages: of its document.
        evidence: place of a word in `hit.evidence.words`, or `ALL_EVIDENCE` or `NO_EVIDENCE`.
        corners: where the page was clicked, (x, y) in fractions of its width and height: none,
            or one corner of a region, or two opposite ones.
    """

    document_id: str
    document: str
    page_index: int
    n_pages: int
    evidence: int = ALL_EVIDENCE
    corners: tuple[Point, ...] = ()

    @property
    def title(self) -> str:
        """Document and page, as people say it."""
        return f"{self.document}, page {self.page_index + 1:,} of {self.n_pages:,}"

    @property
    def is_first(self) -> bool:
        """Whether no page comes before it."""
        return self.page_index == 0

    @property
    def is_last(self) -> bool:
        """Whether no page comes after it."""
        return self.page_index + 1 >= self.n_pages

    @property
    def region(self) -> Box | None:
        """The region between two corners; None until there are two."""
        if len(self.corners) < 2:
            return None
        (x0, x1), (y0, y1) = map(sorted, zip(*self.corners, strict=True))
        return Box(x0, y0, x1, y1)

    def turn(self, step: int) -> PageView:
        """The page `step` pages on; at either end of the document it stays there."""
        page_index = min(max(self.page_index + step, 0), self.n_pages - 1)
        return PageView(self.document_id, self.document, page_index, self.n_pages)

    def choose(self, evidence: int) -> PageView:
        """This page with other evidence lit up."""
        return replace(self, evidence=evidence)

    def click(self, corner: Point) -> PageView:
        """This page with one more corner of a region; the third begins another region."""
        kept = self.corners if len(self.corners) == 1 else ()
        return replace(self, corners=(*kept, corner))


def view_hit(library: Library, hit: Hit) -> PageView:
    """The page that was found.

    Raises:
        UnknownDocument: it has been deleted since.
    """
    n_pages = library.find_document(hit.document_id).n_pages
    return PageView(hit.document_id, hit.document, hit.page_index, n_pages)


def find_hit(view: PageView, answer: Answer) -> Hit | None:
    """Where the answer holds this page; None where it does not."""
    shown = (view.document_id, view.page_index)
    return next((hit for hit in answer.hits if (hit.document_id, hit.page_index) == shown), None)


def list_evidence(hit: Hit | None) -> list[tuple[str, int]]:
    """What can be lit up on a page, as people choose it; empty where nothing matched."""
    if hit is None or hit.evidence is None or not hit.matches:
        return []
    words = [(word, place) for place, word in enumerate(hit.evidence.words)]
    return [("All", ALL_EVIDENCE), ("None", NO_EVIDENCE), *words]


def draw_page(library: Library, view: PageView, answer: Answer) -> Image.Image:
    """The page's picture: evidence lit up where the answer holds this page, corners marked."""
    hit = find_hit(view, answer)
    if hit is None or hit.evidence is None or view.evidence == NO_EVIDENCE:
        picture = library.page_picture(view.document_id, view.page_index)
    elif view.evidence == ALL_EVIDENCE:
        picture = library.lit_page(hit)
    else:
        picture = library.lit_page(hit, hit.evidence.words[view.evidence])
    picture = picture or draw_blank()
    if view.region is not None:
        mark_region(picture, view.region)
    elif view.corners:
        mark_corner(picture, *view.corners[0])
    return picture
