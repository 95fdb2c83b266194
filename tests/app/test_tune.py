"""`pagelens tune`: every way to store and search vectors, measured; the smallest that does."""

import io
import json
import re
from contextlib import redirect_stdout
from dataclasses import replace

import pytest

from app.cli_tune import tune
from app.library import Library
from app.settings import Settings
from app.tuned import Stage, StoredAs, Tried, recommend
from app.tuning import sample_pages, tune_index
from app.tuning_output import describe_recommendation, format_settings
from app.tuning_report import draw_curves, render_tuning
from retrieval.bootstrap import Estimate
from retrieval.errors import InvalidEvaluationSet
from retrieval.evaluation import load_evaluation_set
from retrieval.index.base import VectorStorage
from retrieval.questions import RelevantPage
from tests.app.test_compare import write_set
from tests.documents import write_text_pdf

SUBJECTS = (
    "lighthouse keepers",
    "rye bread",
    "mooring fees",
    "storm flags",
    "plum cake",
    "kelp farms",
    "tax returns",
    "violin strings",
    "snow ploughs",
    "goat cheese",
    "copper wire",
    "tide tables",
)
N_PAGES = 2 * len(SUBJECTS)


def ignore(_):
    """Progress that nobody looks at."""


def write_subjects(folder):
    """A document of two pages for each of `SUBJECTS`, asked for by a question each."""
    (folder / "corpus").mkdir(parents=True)
    lines, qrels = [], ["query-id\tfile\tpage\trelevance"]
    for number, subject in enumerate(SUBJECTS):
        write_text_pdf(
            folder / "corpus" / f"{number}.pdf",
            f"All there is to say about {subject}, in a sentence.",
            f"More of {subject}, on the second page of two.",
        )
        lines.append(json.dumps({"id": f"q{number}", "text": f"What is said about {subject}?"}))
        qrels.append(f"q{number}\t{number}.pdf\t1\t1")
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "qrels.tsv").write_text("\n".join(qrels) + "\n")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    return write_subjects(tmp_path_factory.mktemp("questions") / "subjects")


@pytest.fixture(scope="module")
def told():
    """What is reported: (done, total) of each stage, each time."""
    return {}


@pytest.fixture(scope="module")
def tuning(questions, cache, told, tmp_path_factory):
    untouched = tmp_path_factory.mktemp("untouched") / "library"
    found = tune_index(
        "subjects",
        load_evaluation_set(questions),
        "minilm-layout",
        Settings(library=untouched),
        cache,
        lambda p: told.setdefault(p.stage, []).append((p.done, p.total)),
        least_recall=0.95,
    )
    assert not untouched.exists()
    return found


def test_every_storage_pooling_and_first_stage_is_tried_exactly_and_with_candidates(tuning):
    ours = [
        StoredAs(factor, storage, Stage.CELLS) for factor in (1, 2, 3) for storage in VectorStorage
    ]
    others = [StoredAs(1, VectorStorage.FLOAT16, stage) for stage in (Stage.MUVERA, Stage.POOLED)]
    assert set(tuning.stored) == {*ours, *others}
    for stored in tuning.stored:
        # More than there are pages would find what all of them do.
        exact = [None] if stored in ours else []
        assert [it.prefetch_pages for it in tuning.list_of(stored)] == [20, *exact]
    assert (tuning.n_questions, tuning.n_pages, tuning.n_tried) == (len(SUBJECTS), N_PAGES, N_PAGES)


def test_recall_is_of_the_exact_search_of_whole_vectors(tuning):
    reference = tuning.reference
    assert (reference.name, reference.recall.mean) == ("float16: exact", 1.0)
    assert reference.difference is None
    by_name = {it.name: it for it in tuning.tried}
    assert by_name["turbo8: exact"].recall.mean > by_name["turbo8, pool 3: exact"].recall.mean
    for it in tuning.tried:
        assert 0 < it.recall.mean <= 1
        assert 0 < it.p50_ms <= it.p95_ms


def test_smaller_vectors_are_smaller_on_the_disk(tuning):
    size = {it.stored.name: it.index_bytes for it in tuning.tried}
    assert size["turbo4"] < size["float16"]
    assert size["float16, pool 3"] < size["float16"]
    # 10,240 numbers a page, of two bytes each.
    assert size["float16, MUVERA"] - size["float16"] > N_PAGES * 20_000


def test_progress_counts_up_to_its_total(told, tuning):
    assert {"indexing", "copying", "searching"} <= told.keys()
    for stage in ("copying", "searching"):
        done = [each for each, _ in told[stage]]
        totals = {total for _, total in told[stage]}
        assert done == sorted(done)
        assert totals == {done[-1]}


def test_the_report_draws_a_curve_for_each_index_and_loads_nothing(tuning):
    latency, storage = draw_curves(tuning)
    # An index of two searches is a curve; those with another first stage have one here.
    assert len(latency.curves) == 9
    assert (len(storage.points), len(storage.curves)) == (11, 0)
    labels = [point.label for point in latency.points if point.label]
    assert labels == [stored.name for stored in tuning.stored]
    report = render_tuning(tuning, command="pagelens tune subjects", machine="a CPU, 2 cores")
    for shown in ("a CPU, 2 cores", "pagelens tune subjects", "float16, MUVERA", *SETTINGS):
        assert shown in report
    assert not re.search(r"https?://", report)
    assert "<script" not in report


SETTINGS = ("PAGELENS_POOL_FACTOR=", "PAGELENS_VECTOR_STORAGE=")


def test_the_settings_can_be_sourced(tuning):
    told = format_settings(tuning).splitlines()
    values = [line for line in told if not line.startswith("#")]
    assert [line.partition("=")[0] + "=" for line in values] == list(SETTINGS)
    assert tuning.model in format_settings(tuning)


def test_the_command_asks_a_librarys_own_questions_of_its_own_encoder(
    questions, cache, tmp_path, monkeypatch
):
    monkeypatch.setattr("app.tuning.POOL_FACTORS", (1,))
    with Library(Settings(library=tmp_path / "library", model="minilm-layout")) as library:
        library.ingest([questions / "corpus"], ignore)
        for document in library.list_documents():
            subject = SUBJECTS[int(document.name.removesuffix(".pdf"))]
            page = RelevantPage(document.document_id, 0)
            library.add_question(f"What is said about {subject}?", [page])
    output, report = tmp_path / "tuned.env", tmp_path / "tuned.html"
    printed = io.StringIO()
    with redirect_stdout(printed):
        tune(
            library=tmp_path / "library",
            cache=cache,
            output=output,
            report=report,
            pages=20,
            as_json=True,
        )
    found = json.loads(printed.getvalue().splitlines()[-1])
    assert (found["set"], found["model"]) == ("the questions of library", "minilm-layout")
    assert (found["questions"], found["pages"], found["pages_tried"]) == (12, N_PAGES, 20)
    settings = found["recommended"]["settings"]
    assert all(f"{name}={value}\n" in output.read_text() for name, value in settings.items())
    assert "of 24" in report.read_text()


def test_a_corpus_of_a_few_pages_is_refused(cache, tmp_path):
    few = load_evaluation_set(write_set(tmp_path / "town"))
    settings = Settings(library=tmp_path / "library")
    with pytest.raises(InvalidEvaluationSet, match=r"takes 20 pages or more .* there are 3"):
        tune_index("town", few, "minilm-layout", settings, cache, ignore, least_recall=0.9)


def test_a_sample_holds_all_pages_that_are_asked_for(questions):
    names = {f"{number:064}": f"{number}.pdf" for number in range(len(SUBJECTS))}
    pages = [(id_, index) for id_ in names for index in (0, 1)]
    evaluation_set = load_evaluation_set(questions)
    sample = sample_pages(pages, evaluation_set, names, 15)
    assert len(sample) == 15
    assert {(id_, 0) for id_ in names} <= set(sample) <= set(pages)
    assert sample_pages(pages, evaluation_set, names, None) == pages


def sure(mean: float) -> Estimate:
    return Estimate(mean, mean, mean, 20)


def try_out(
    storage: VectorStorage,
    n_bytes: int,
    recall: float,
    *,
    prefetch: int | None = None,
    lost: float = 0.0,
    ms: float = 5.0,
    stage: Stage = Stage.CELLS,
) -> Tried:
    stored = StoredAs(1, storage, stage)
    return Tried(stored, prefetch, sure(recall), sure(0.7), sure(-lost), ms, ms, n_bytes)


WHOLE, EIGHT, FOUR = VectorStorage.FLOAT16, VectorStorage.TURBO8, VectorStorage.TURBO4


def test_the_smallest_index_that_finds_enough_is_recommended():
    tried = [
        try_out(WHOLE, 100, 1.0),
        try_out(EIGHT, 50, 0.97),
        try_out(FOUR, 25, 0.80),
        # As small as it is, its questions are shown to lose.
        try_out(FOUR, 20, 0.96, lost=0.02),
        # Pagelens does not search like that.
        try_out(WHOLE, 10, 1.0, stage=Stage.MUVERA),
    ]
    found = recommend(tried, n_pages=500, n_tried=500, least_recall=0.95)
    assert (found.tried, found.prefetch_pages, found.is_enough) == (tried[1], None, True)
    assert found.settings == {"PAGELENS_POOL_FACTOR": "1", "PAGELENS_VECTOR_STORAGE": "turbo8"}


def test_of_a_large_library_the_fewest_candidates_that_are_enough_are_taken():
    tried = [
        try_out(FOUR, 25, 1.0, ms=50),
        try_out(FOUR, 25, 0.90, prefetch=100, ms=5),
        try_out(FOUR, 25, 0.96, prefetch=500, ms=9),
        try_out(FOUR, 25, 0.99, prefetch=1_000, ms=14),
    ]
    found = recommend(tried, n_pages=20_000, n_tried=20_000, least_recall=0.95)
    assert (found.tried, found.prefetch_pages) == (tried[2], 500)
    # Among ten times as many pages, ten times as many candidates.
    sampled = recommend(tried, n_pages=20_000, n_tried=2_000, least_recall=0.95)
    assert sampled.settings["PAGELENS_PREFETCH_PAGES"] == "5000"


def test_where_nothing_is_enough_that_is_said(tuning):
    tried = [try_out(WHOLE, 100, 0.9), try_out(EIGHT, 50, 0.8)]
    found = recommend(tried, n_pages=500, n_tried=500, least_recall=0.95)
    assert (found.tried, found.is_enough) == (tried[0], False)
    first, *_ = describe_recommendation(replace(tuning, recommended=found))
    assert first.startswith("Nothing that was tried finds enough (recall@10 0.95")
