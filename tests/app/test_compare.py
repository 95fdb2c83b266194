"""Several ways to search, measured by the same questions; what was asked once is kept."""

import json
from pathlib import Path

import pytest

from app.compare import compare_variants
from app.compare_cache import hash_code
from app.comparing import FOLDER
from app.evaluate import evaluate_folder
from app.settings import Settings
from app.variants import list_variants
from retrieval.errors import InvalidEvaluationSet
from retrieval.evaluation import load_evaluation_set
from tests.documents import draw_photo, encode_image, write_text_pdf
from tests.terminal import last_json, run_pagelens

# The last asks for what no word of its page says.
QUESTIONS = {
    "fees": ("Who collects the mooring fees?", "harbour.pdf", 1),
    "storm": ("How is a storm announced?", "harbour.pdf", 2),
    "bread": ("What kinds of bread are sold?", "bakery.pdf", 1),
    "sweet": ("Where can I eat something sweet?", "bakery.pdf", 1),
}
HEADER = "query-id\tfile\tpage\trelevance\n"


def write_set(folder: Path, ids=tuple(QUESTIONS)) -> Path:
    """An evaluation set of two files, three pages and these questions."""
    corpus = folder / "corpus"
    if not corpus.exists():
        corpus.mkdir(parents=True)
        write_text_pdf(
            corpus / "harbour.pdf",
            "The harbour master collects mooring fees from every yacht on the first of May.",
            "Storm warnings are shown as red flags on the mast beside the lighthouse.",
        )
        write_text_pdf(corpus / "bakery.pdf", "Our bakery sells rye bread and warm cinnamon rolls.")
    asked = [(id_, *QUESTIONS[id_]) for id_ in ids]
    lines = (json.dumps({"id": id_, "text": text}) for id_, text, _, _ in asked)
    (folder / "queries.jsonl").write_text("\n".join(lines))
    qrels = (f"{id_}\t{file}\t{page}\t1\n" for id_, _, file, page in asked)
    (folder / "qrels.tsv").write_text(HEADER + "".join(qrels))
    return folder


class Bars:
    """Notes what each variant reports."""

    def __init__(self):
        self.told = {}

    def __call__(self, name):
        stages = self.told.setdefault(name, {})
        return lambda progress: stages.update({progress.stage: (progress.done, progress.total)})


def compare(folder, cache, *singles, settings=None, **lists):
    """The comparison of an evaluation set, and what it reported."""
    settings = settings or Settings(library=folder / "untouched", model="minilm-layout")
    variants, bars = list_variants(lists, singles, settings), Bars()
    evaluation_set = load_evaluation_set(folder)
    return compare_variants("town", evaluation_set, variants, settings, cache, bars), bars.told


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    """The folder of a checkpoint that holds none."""
    return tmp_path_factory.mktemp("broken")


@pytest.fixture(scope="module")
def first(town, cache, broken):
    """Two ways to ask one index, a variant that cannot be opened, and one of another index."""
    return compare(
        town,
        cache,
        f"model={broken}",
        "pool-factor=2 mode=visual",
        mode="hybrid,text",
        reranker="none",
    )


def test_a_variant_that_fails_is_told_with_its_reason_and_the_others_go_on(first, broken):
    comparison, _ = first
    assert [it.name for it in comparison.measured] == [
        "minilm-layout, hybrid, no reranker",
        "minilm-layout, text, no reranker",
        "minilm-layout, pool factor 2, visual",
    ]
    (failed,) = comparison.failed
    assert failed.name == f"{broken.name}, hybrid"
    assert failed.error == f"the folder {broken} holds no checkpoint"


def test_ways_to_ask_share_an_index_and_all_questions_are_asked(first):
    comparison, told = first
    hybrid, text, pooled = comparison.measured
    assert told[hybrid.name]["indexing"] == (3, 3)
    assert told[text.name] == {"searching": (4, 4)}
    assert told[pooled.name]["indexing"] == (3, 3)
    assert hybrid.run.library == text.run.library != pooled.run.library
    assert comparison.n_questions == 4
    assert comparison.n_pages == 3
    for measured in comparison.measured:
        assert measured.run.n_kept == 0
        assert measured.ms_per_query > 0
        assert measured.run.index.pages_per_second > 0
        assert measured.run.index.bytes_per_page > 1000
        assert all(it.low <= it.mean <= it.high for it in measured.metrics.values())


def test_what_is_measured_is_what_evaluate_measures(first, town, tmp_path):
    comparison, _ = first
    settings = Settings(library=tmp_path, model="minilm-layout", reranker="none")
    evaluated = evaluate_folder(town, settings, lambda progress: None, with_stages=True)
    hybrid, text, _ = comparison.measured
    for measured, told in ((hybrid, evaluated.search), (text, evaluated.stages["BM25"])):
        means = {key: it.mean for key, it in measured.metrics.items()}
        assert means == pytest.approx({key: told.metrics[key] for key in means})
    assert hybrid.run.index.encoder == evaluated.encoder


def test_differences_are_counted_question_by_question(first):
    comparison, _ = first
    hybrid, text, _ = comparison.measured
    scores = {it.question.id: it.score for it in text.questions}
    # No word of it is on the page.
    assert scores == {"fees": 1.0, "storm": 1.0, "bread": 1.0, "sweet": 0.0}
    assert [it.rank for it in text.questions] == [1, 1, 1, None]
    better, worse, equal = text.count_against(hybrid)
    assert (better, worse, equal) == (0, 1, 3)
    assert text.difference.mean < 0
    assert comparison.describe_difference(hybrid) == "what the others are compared with"
    # A quarter of all resamples of four leave out the one that differs.
    assert comparison.describe_difference(text) == (
        f"no difference from {hybrid.name} that these 4 questions can show"
    )


def test_models_that_took_part_are_told_with_licence_and_cost(first):
    comparison, _ = first
    hybrid, text, _ = comparison.measured
    assert hybrid.licence == "Apache-2.0"
    assert hybrid.cost == text.cost == "runs here"
    assert text.licence == "no model"


def test_the_next_comparison_indexes_and_asks_nothing(first, town, cache):
    comparison, told = compare(town, cache, mode="hybrid,text", reranker="none")
    assert told == {"hybrid": {}, "text": {}}
    before, _ = first
    for again, once in zip(comparison.measured, before.measured[:2], strict=True):
        assert again.run.n_kept == 4
        assert again.metrics == once.metrics
        assert again.ms_per_query == once.ms_per_query


def test_a_text_model_finds_what_no_word_of_the_page_says(first, town, cache):
    comparison, told = compare(
        town, cache, text_models="none,minilm-dense", mode="text", reranker="none"
    )
    without, dense = comparison.measured
    assert told[without.name] == {}
    assert told[dense.name]["indexing"] == (3, 3)
    assert (without.questions[3].rank, dense.questions[3].rank) == (None, 1)
    assert dense.licence == "Apache-2.0"
    assert dense.run.index.bytes_per_page > without.run.index.bytes_per_page


def test_only_new_questions_are_asked_and_judgements_may_change(first, cache, tmp_path):
    folder = write_set(tmp_path / "fewer", ids=("fees", "bread"))
    QUESTIONS["rolls"] = ("Are there rolls?", "bakery.pdf", 1)
    for source in first[0].evaluation_set.corpus.iterdir():
        # The same bytes under another name are the same corpus.
        (folder / "corpus" / source.name).write_bytes(source.read_bytes())
    write_set(folder, ids=("fees", "bread", "rolls"))
    comparison, told = compare(folder, cache, mode="hybrid,text", reranker="none")
    del QUESTIONS["rolls"]
    assert told == {"hybrid": {"searching": (1, 1)}, "text": {"searching": (1, 1)}}
    assert [it.run.n_kept for it in comparison.measured] == [2, 2]


def test_an_answer_that_was_cut_off_is_asked_for_again(first, town, cache):
    kept = first[0].measured[1].run
    (answers,) = [
        path
        for path in kept.library.parent.glob("*/answers.jsonl")
        if json.loads((path.parent / "models.json").read_text()) == []
    ]
    content = answers.read_bytes()
    whole, cut, *_ = content.splitlines(keepends=True)
    answers.write_bytes(whole + cut[:40])
    comparison, told = compare(town, cache, mode="hybrid,text", reranker="none")
    assert told["text"] == {"searching": (3, 3)}
    assert comparison.measured[1].metrics == first[0].measured[1].metrics
    answers.write_bytes(content)


def test_what_is_kept_belongs_to_the_code_that_made_it(tmp_path):
    assert hash_code(["retrieval"]) == hash_code(["retrieval"]) != hash_code(["ingest"])


def test_one_question_is_too_few(tmp_path):
    folder = write_set(tmp_path, ids=("fees",))
    with pytest.raises(InvalidEvaluationSet, match="two questions or more"):
        compare(folder, tmp_path / "cache", mode="hybrid,text")


def test_the_command_prints_json_writes_the_report_and_keeps_it(
    first, town, cache, library, tmp_path
):
    ended = run_pagelens(
        *("compare", town, "--models", "minilm-layout", "--modes", "hybrid,text"),
        *("--rerankers", "none", "--cache", cache, "--report", tmp_path / "report.html"),
        *("--library", library.folder, "--json"),
    )
    assert ended.returncode == 0, ended.stderr
    told = last_json(ended)
    assert told["set"] == town.name
    assert (told["questions"], told["pages"], told["failed"]) == (4, 3, [])
    hybrid, text = told["variants"]
    assert (hybrid["name"], hybrid["mode"], hybrid["difference"]) == ("hybrid", "hybrid", None)
    assert text["metrics"]["ndcg@10"] == 0.75
    low, high = text["intervals"]["ndcg@10"]
    assert low < 0.75 < high
    assert text["difference"]["worse"] == 1
    assert not text["difference"]["shown"]
    assert text["answers_kept"] == 4
    assert text["cost"] == "runs here"
    # A server that holds the library lists it at once.
    (finished,) = library.list_comparisons()
    assert [it.name for it in finished.variants] == ["hybrid", "text"]
    report = library.read_comparison(finished.name)
    assert report == (tmp_path / "report.html").read_text(encoding="utf-8")
    for path in (library.folder / FOLDER).iterdir():
        path.unlink()


def test_a_command_that_cannot_end_well_ends_at_once(town, tmp_path):
    arguments = ("compare", town, "--modes", "hybrid,text", "--cache", tmp_path)
    missing = run_pagelens(*arguments, "--report", tmp_path / "no" / "report.html")
    assert missing.returncode == 2
    assert "no: no such file or folder" in missing.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_photo_is_one_page(tmp_path):
    folder = write_set(tmp_path / "town", ("fees", "storm"))
    (folder / "corpus" / "beach.jpg").write_bytes(encode_image(draw_photo(), "JPEG"))
    comparison, _ = compare(folder, tmp_path / "cache", mode="text", reranker="auto,none")
    assert comparison.n_pages == 4
