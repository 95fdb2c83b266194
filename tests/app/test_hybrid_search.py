"""Searching a library by vectors and by words, with filters."""

from datetime import datetime, timedelta, timezone
from threading import Event, Timer

import pytest

from app.library import Library
from app.settings import Settings
from ingest.files import CODEBOOK
from retrieval.index.base import PageFilter
from retrieval.index.cells import fit_codebook
from retrieval.records import Kind
from retrieval.search import UNCLEAR_WEIGHT, Mode
from tests.documents import write_text_pdf
from tests.libraries import copy_library
from tests.terminal import last_json, run_pagelens

HARBOUR = (
    "Harbour rules. Mooring fees are collected by the harbour master before noon. A yacht longer "
    "than ten metres pays twice."
)
PUMPS = "Spare parts list. Pump RX-480b costs 1,250.00 EUR. Pump RX-480c costs 990.00 EUR."
GARDEN = "The vegetable garden grows leeks, carrots and beans behind the school."
SECOND = "Opening hours of the library: Monday to Friday from nine to five."


def silent(progress):
    pass


def open_library(folder, **settings):
    return Library(Settings(library=folder, **settings))


def pages_of(answer):
    return [(hit.document, hit.page_number) for hit in answer.hits]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A library of three documents, one of them tagged, and a second version of one page."""
    folder = tmp_path_factory.mktemp("hybrid")
    files = folder / "files"
    files.mkdir()
    with open_library(folder / "library") as library:
        write_text_pdf(files / "harbour.pdf", HARBOUR, SECOND)
        write_text_pdf(files / "garden.pdf", GARDEN)
        library.ingest([files], silent)
        write_text_pdf(files / "parts.pdf", PUMPS, HARBOUR)
        library.ingest([files / "parts.pdf"], silent, tags=["stock", "2026"])
    return folder / "library"


@pytest.fixture(scope="module")
def copied(folder, tmp_path_factory):
    """The same library in another folder: one is held by one process at a time."""
    return copy_library(folder, tmp_path_factory.mktemp("copied") / "library")


@pytest.fixture(scope="module")
def library(folder, copied):
    with open_library(folder) as library:
        yield library


def test_a_part_number_is_found_exactly(library):
    for number, price in (("RX-480b", "1,250.00"), ("RX-480c", "990.00")):
        answer = library.search(f"price of {number}", 3, mode=Mode.TEXT)
        assert pages_of(answer)[0] == ("parts.pdf", 1), number
        assert pages_of(library.search(price, 3))[0] == ("parts.pdf", 1)


def test_each_mode_says_which_stages_ranked_a_page(library):
    question = "Who collects the mooring fees?"
    hybrid, visual, text = (library.search(question, 3, mode=mode).hits[0] for mode in Mode)
    assert {hit.document for hit in (hybrid, visual, text)} <= {"harbour.pdf", "parts.pdf"}
    assert hybrid.scores.maxsim and hybrid.scores.bm25 and hybrid.scores.reranker
    assert visual.scores.maxsim and visual.scores.bm25 is None and visual.scores.reranker is None
    assert text.scores.bm25 and text.scores.reranker and text.scores.maxsim is None
    assert text.evidence is not None
    without = library.search(question, 3, rerank=False).hits[0]
    assert without.scores.reranker is None


def test_a_library_can_be_without_a_reranker(copied):
    with open_library(copied, reranker="none") as plain:
        assert plain.search("mooring fees", 3).hits[0].scores.reranker is None


def test_a_page_that_says_the_same_is_shown_once_and_named(library):
    answer = library.search("Who collects the mooring fees of a yacht?", 10)
    rules = [hit for hit in answer.hits if hit.duplicates]
    assert len(rules) == 1
    shown = {(rules[0].document, rules[0].page_number), *rules[0].duplicates}
    assert shown == {("harbour.pdf", 1), ("parts.pdf", 2)}
    assert len(answer.hits) == 4


def test_filters_by_tag_page_document_kind_and_day(library):
    def found(**conditions):
        answer = library.search(
            "harbour fees pump garden", 10, page_filter=PageFilter(**conditions)
        )
        return {*pages_of(answer)} | {same for hit in answer.hits for same in hit.duplicates}

    assert found(tags=frozenset({"stock"})) == {("parts.pdf", 1), ("parts.pdf", 2)}
    assert found(pages=(2, None)) == {("harbour.pdf", 2), ("parts.pdf", 2)}
    garden = library.find_document("garden.pdf").document_id
    assert found(documents=frozenset({garden})) == {("garden.pdf", 1)}
    assert found(kind=Kind.PHOTO) == set()
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    assert found(added=(tomorrow, None)) == set()
    assert len(found(added=(None, tomorrow))) == 5


def test_groups_hits_by_document_best_first(library):
    answer = library.search("harbour rules and the opening hours of the library", 10)
    groups = answer.by_document
    assert groups[0][0] is answer.hits[0]
    assert sum(map(len, groups)) == len(answer.hits)
    assert all(len({hit.document_id for hit in group}) == 1 for group in groups)


def test_the_pages_around_a_hit_are_read(library):
    (hit,) = library.search("mooring", 1, page_filter=PageFilter(pages=(1, 1))).hits
    ((page_number, text),) = library.read_around(hit)
    assert page_number == 2
    assert "Opening hours" in text if hit.document == "harbour.pdf" else "Harbour" in text


@pytest.mark.parametrize(
    ("question", "is_good"),
    [
        ("Who collects the mooring fees?", True),
        ("What grows in the vegetable garden?", True),
        ("How many moons does the largest planet have?", False),
        ("why does the brellow keep its dwimming under the farthick", False),
    ],
)
def test_says_whether_the_best_match_is_a_good_one(library, question, is_good):
    answer = library.search(question, 3)
    assert answer.is_good == is_good
    best = answer.hits[0].score
    assert best == 1.0 if is_good else best == pytest.approx(UNCLEAR_WEIGHT)


def test_a_question_without_a_word_finds_nothing(library):
    assert library.search("?!", 3).hits == ()


def test_search_options_on_the_command_line(copied):
    ended = run_pagelens(
        *("search", "Who collects the mooring fees?", "--library", copied, "--json"),
        *("--tag", "stock", "--pages", "2-", "--mode", "text", "--group", "--context"),
    )
    assert ended.returncode == 0, ended.stderr
    answer = last_json(ended)
    (hit,) = answer["hits"]
    assert (hit["document"], hit["page"]) == ("parts.pdf", 2)
    assert "RX-480b" in hit["context"][0]["text"]
    assert answer["documents"][0]["pages"] == [2]


def test_a_page_range_that_is_none_is_refused_in_words(copied):
    refused = run_pagelens("search", "fees", "--library", copied, "--pages", "7-3")
    assert refused.returncode == 2
    assert "first page comes after the last" in " ".join(refused.stderr.split())


def test_a_large_library_gets_a_first_stage_and_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr("retrieval.index.first_stage.FIRST_STAGE_PAGES", 4)
    pages = [f"{HARBOUR} Berth {i} is for yachts of {i + 5} metres." for i in range(6)]
    report = write_text_pdf(tmp_path / "berths.pdf", *pages)
    stages = []
    with open_library(tmp_path / "library") as library:
        library.ingest([report], lambda progress: stages.append(progress.stage))
        assert "arranging" in stages
        assert (library.folder / CODEBOOK).exists()
    with open_library(tmp_path / "library") as library:
        question = "Which berth is for yachts of 8 metres?"
        fast, exact = (library.search(question, 3, exact=exact) for exact in (False, True))
        assert pages_of(fast) == pages_of(exact)
        # Six pages are not many more than the six that the codebook was fitted on.
        stages.clear()
        write_text_pdf(tmp_path / "garden.pdf", GARDEN)
        library.ingest([tmp_path / "garden.pdf"], lambda progress: stages.append(progress.stage))
        assert "arranging" not in stages
        assert pages_of(library.search("What grows in the garden?", 1)) == [("garden.pdf", 1)]
        assert library.examine(silent).is_healthy


def test_a_first_stage_cut_off_half_way_leaves_a_library_that_searches_exactly(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("retrieval.index.first_stage.FIRST_STAGE_PAGES", 4)
    report = write_text_pdf(tmp_path / "report.pdf", *[f"{HARBOUR} {i}" for i in range(5)])

    def stop(progress):
        if progress.stage == "arranging":
            raise KeyboardInterrupt

    with open_library(tmp_path / "library") as library:
        with pytest.raises(KeyboardInterrupt):
            library.ingest([report], stop)
        assert library._spaces.active.first_stage.n_pages == 0
        assert library.search("mooring fees", 1).hits
        write_text_pdf(tmp_path / "garden.pdf", GARDEN)
        library.ingest([tmp_path / "garden.pdf"], silent)
        assert (library.folder / CODEBOOK).exists()


def test_a_library_that_is_closed_while_it_arranges_begins_anew_the_next_time(
    tmp_path, monkeypatch
):
    report = write_text_pdf(tmp_path / "report.pdf", *[f"{HARBOUR} {i}" for i in range(5)])
    with open_library(tmp_path / "library") as library:
        library.ingest([report], silent)
    monkeypatch.setattr("retrieval.index.first_stage.FIRST_STAGE_PAGES", 4)
    begun, ended = Event(), Event()

    def fit(vectors):
        begun.set()
        assert ended.wait(60)
        return fit_codebook(vectors)

    monkeypatch.setattr("retrieval.index.first_stage.fit_codebook", fit)
    with open_library(tmp_path / "library") as library:
        with library.keep_working():
            assert begun.wait(60)
            Timer(0.5, ended.set).start()
        assert library._spaces.active.first_stage.n_pages == 0
    with open_library(tmp_path / "library") as library, library.keep_working():
        while not library._spaces.active.first_stage.n_pages:
            library.jobs.news.wait()
        assert library.search("mooring fees", 1).hits


def test_a_page_of_a_few_words_is_found_by_them(tmp_path):
    """Title pages and dividers: too little text to be sure of, and all there is."""
    terse = write_text_pdf(tmp_path / "terse.pdf", "RX-777q Spare parts", "Hello", "5 mg")
    with open_library(tmp_path / "library") as library:
        assert library.ingest([terse], silent).pages == 3
        for question, page_number in (("RX-777q", 1), ("Hello", 2), ("5 mg", 3)):
            for mode in (Mode.TEXT, Mode.HYBRID):
                found = pages_of(library.search(question, 1, mode=mode))
                assert found == [("terse.pdf", page_number)], (question, mode)


def test_duplicates_do_not_depend_on_how_many_hits_are_shown(library):
    for limit in (1, 3, 10):
        (first, *_) = library.search("Who collects the mooring fees of a yacht?", limit).hits
        assert len(first.duplicates) == 1, limit
