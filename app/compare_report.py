"""A comparison as one HTML file that asks no other file or host for anything."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from app.comparing import NAME_FORMAT, ComparedVariant, FinishedComparison
from app.comparison import CRITERION, Comparison, MeasuredVariant, QuestionResult
from app.comparison_output import format_estimate
from app.report_charts import Chart, Plotted, draw_chart, format_ms
from app.report_template import render_template
from app.wording import format_bytes
from ingest.files import LibraryFiles
from retrieval.bootstrap import RESAMPLES, SEED
from retrieval.evaluation import DEPTH, PageName
from retrieval.search import Mode

CRITERION_NAME = "nDCG@10"

SHAPES = {Mode.HYBRID: "circle", Mode.VISUAL: "square", Mode.TEXT: "triangle"}

# Of each variant: the questions that it answers most differently from the first.
SHOWN_DIFFERENCES = 20

# Large enough to know a page by; some 4 kB each.
PICTURE_WIDTH_PX = 180
PICTURE_QUALITY = 45


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page beside a question.

    Attributes:
        caption: whose first page it is, or that it is the right one.
        page: its document and number.
        is_relevant: whether it answers the question.
        data: the picture as a data URI; None where there is none.
        size_px: its width and height.
    """

    caption: str
    page: str
    is_relevant: bool
    data: str | None
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True)
class QuestionDifference:
    """A question that a variant answers better or worse than the first."""

    question: str
    before: QuestionResult
    after: QuestionResult
    pictures: tuple[PagePicture, ...]

    @property
    def change(self) -> float:
        """By how much its nDCG@10 differs."""
        return self.after.score - self.before.score


@dataclass(frozen=True, slots=True)
class VariantDifferences:
    """The questions that a variant answers differently from the first, largest changes first.

    Attributes:
        counts: on how many it is better, worse, and as good.
    """

    measured: MeasuredVariant
    counts: tuple[int, int, int]
    shown: tuple[QuestionDifference, ...]


def render_report(comparison: Comparison, *, command: str, machine: str) -> str:
    """The HTML of a comparison: table, charts, wins and losses with page pictures.

    Args:
        comparison: of one variant or more.
        command: what was run.
        machine: on what.
    """
    measured = comparison.measured
    shrink = PictureShrinker(comparison)
    return render_template(
        "comparison.html",
        comparison=comparison,
        made_at=comparison.made_at.strftime("%Y-%m-%d %H:%M"),
        charts=draw_charts(measured) if measured else (),
        differences=[describe_differences(measured[0], other, shrink) for other in measured[1:]],
        criterion=CRITERION,
        depth=DEPTH,
        shown_limit=SHOWN_DIFFERENCES,
        resamples=RESAMPLES,
        seed=SEED,
        command=command,
        machine=machine,
    )


def summarise(comparison: Comparison) -> FinishedComparison:
    """What is told of a comparison before its report is opened."""
    return FinishedComparison(
        name=comparison.made_at.strftime(NAME_FORMAT),
        title=comparison.title,
        made_at=comparison.made_at,
        n_questions=comparison.n_questions,
        variants=tuple(
            ComparedVariant(
                it.name,
                format_estimate(it.metrics[CRITERION]),
                comparison.describe_difference(it),
            )
            for it in comparison.measured
        ),
    )


def draw_charts(measured: Sequence[MeasuredVariant]) -> tuple[Chart, ...]:
    """Quality against storage, and quality against latency."""

    def plot(it: MeasuredVariant, x: float) -> list[Plotted]:
        shape = SHAPES[it.run.variant.mode]
        return [Plotted(it.name, x, it.metrics[CRITERION], shape, it.difference is None)]

    return (
        draw_chart(
            "Quality against storage",
            "index a page",
            CRITERION_NAME,
            [plot(it, it.run.index.bytes_per_page) for it in measured],
            format_bytes,
        ),
        draw_chart(
            "Quality against latency",
            "time of a search",
            CRITERION_NAME,
            [plot(it, it.ms_per_query) for it in measured],
            format_ms,
        ),
    )


class PictureShrinker:
    """Finds pictures of pages in the library of the first variant, and makes each once."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._files = LibraryFiles(comparison.measured[0].run.library)
        self._made: dict[PageName, tuple[str | None, tuple[int, int]]] = {}

    def show(self, caption: str, page: PageName, question_id: str) -> PagePicture:
        """A page beside a question."""
        if page not in self._made:
            self._made[page] = self._shrink(page)
        data, size = self._made[page]
        is_relevant = page in self._comparison.evaluation_set.qrels[question_id]
        return PagePicture(caption, f"{page[0]}, page {page[1]:,}", is_relevant, data, size)

    def find_relevant(self, question_id: str) -> PageName:
        """The page that answers a question best."""
        relevant = self._comparison.evaluation_set.qrels[question_id]
        return max(relevant, key=lambda page: relevant[page])

    def _shrink(self, page: PageName) -> tuple[str | None, tuple[int, int]]:
        file, page_number = page
        document_id = self._comparison.documents.get(file)
        path = document_id and self._files.find_preview(document_id, page_number - 1)
        if not path:
            return None, (PICTURE_WIDTH_PX, PICTURE_WIDTH_PX)
        with Image.open(path) as preview:
            height = max(1, round(preview.height * PICTURE_WIDTH_PX / preview.width))
            size = (PICTURE_WIDTH_PX, height)
            content = io.BytesIO()
            small = preview.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            small.save(content, "WEBP", quality=PICTURE_QUALITY)
        encoded = base64.b64encode(content.getvalue()).decode()
        return f"data:image/webp;base64,{encoded}", size


def describe_differences(
    first: MeasuredVariant, other: MeasuredVariant, pictures: PictureShrinker
) -> VariantDifferences:
    """The questions that a variant answers most differently from the first."""
    pairs = [
        (before, after)
        for before, after in zip(first.questions, other.questions, strict=True)
        if before.score != after.score
    ]
    pairs.sort(key=lambda pair: -abs(pair[1].score - pair[0].score))
    shown = [
        QuestionDifference(
            before.question.text,
            before,
            after,
            tuple(_choose_pictures(first.name, other.name, before, after, pictures)),
        )
        for before, after in pairs[:SHOWN_DIFFERENCES]
    ]
    return VariantDifferences(other, other.count_against(first), tuple(shown))


def _choose_pictures(
    first_name: str,
    other_name: str,
    before: QuestionResult,
    after: QuestionResult,
    pictures: PictureShrinker,
) -> list[PagePicture]:
    """The page that each found first, and the right one where neither did."""
    id_ = before.question.id
    if before.best == after.best:
        chosen = [("first of both", before.best)]
    else:
        chosen = [(f"first of {first_name}", before.best), (f"first of {other_name}", after.best)]
    shown = [pictures.show(caption, page, id_) for caption, page in chosen if page is not None]
    if not any(picture.is_relevant for picture in shown):
        shown.append(pictures.show("the right page", pictures.find_relevant(id_), id_))
    return shown
