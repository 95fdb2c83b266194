"""Libraries with channels of text encoders: added, searched, measured, and bound to them."""

import json

import pytest

from app.errors import format_error
from app.library import Library
from app.settings import Settings, load_settings
from ingest.documents import TEXT_ENCODER_IDS
from retrieval.errors import EncoderMismatch, InvalidSetting, UnknownEncoder
from retrieval.index.base import PageFilter
from retrieval.page_fusion import Ranking
from retrieval.search import Mode
from retrieval.text_encoders.base import Channel
from tests import text_checkpoints
from tests.documents import draw_photo, write_blank_pdf, write_scan_pdf, write_text_pdf
from tests.libraries import copy_library
from tests.terminal import last_json, run_pagelens

HARBOUR = "The harbour master collects mooring fees from every yacht on the first of May."
BAKERY = "Our bakery sells rye bread, plum cake and warm cinnamon rolls."
WEATHER = "Storm warnings are shown as red flags on the mast beside the lighthouse."

# Not a word of it stands on the page that answers it.
DENSE_QUESTION = "money owed for anchoring a boat"


def silent(progress):
    pass


def open_library(folder, *text_models, **settings):
    return Library(Settings(library=folder, text_models=text_models or None, **settings))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_text_pdf(folder / "harbour.pdf", HARBOUR, WEATHER)
    write_text_pdf(folder / "bakery.pdf", BAKERY, " ".join([WEATHER, BAKERY] * 12))
    write_scan_pdf(folder / "scan.pdf", ["A letter about the comet", "on a cold night"])
    write_blank_pdf(folder / "blank.pdf", (300, 400))
    draw_photo().save(folder / "dusk.png")
    return folder


@pytest.fixture(scope="module")
def ingested(files, tmp_path_factory):
    """A library's folder, and what the command said that made it."""
    folder = tmp_path_factory.mktemp("channels") / "library"
    ended = run_pagelens("ingest", files, "--library", folder, "--text-model", "minilm-dense")
    assert ended.returncode == 0, ended.stderr
    return folder, ended.stderr


@pytest.fixture(scope="module")
def folder(ingested):
    return ingested[0]


@pytest.fixture(scope="module")
def copied(folder, tmp_path_factory):
    """The same library in another folder: one is held by one process at a time."""
    return copy_library(folder, tmp_path_factory.mktemp("copied") / "library")


@pytest.fixture(scope="module")
def library(folder, copied):
    """Opened anew, without naming the model: the library knows it."""
    with open_library(folder) as library:
        yield library


def find(library, question, limit=10, **options):
    hits = library.search(question, limit, **options).hits
    return [(hit.document, hit.page_number) for hit in hits]


def test_a_channel_finds_a_page_by_what_it_means(library):
    alone = {"mode": Mode.TEXT, "rerank": False}
    assert find(library, DENSE_QUESTION, only=Ranking.BM25, **alone) == []
    found = find(library, DENSE_QUESTION, only=Ranking.DENSE, **alone)
    assert found[0] == ("harbour.pdf", 1)
    # Every page with words is ranked; the blank one and the photo are in no channel.
    assert {name for name, _ in found} == {"harbour.pdf", "bakery.pdf", "scan.pdf"}
    assert find(library, DENSE_QUESTION, 1, mode=Mode.TEXT) == [("harbour.pdf", 1)]


def test_channels_are_asked_where_the_words_of_pages_count(library):
    question = "Who collects the mooring fees?"
    hybrid, visual, text = (library.search(question, 3, mode=mode).hits[0] for mode in Mode)
    for hit in (hybrid, text):
        assert 0.3 < hit.scores.dense <= 1
        assert hit.scores.bm25 and hit.scores.tokens is None and hit.scores.terms is None
    assert visual.scores.dense is None
    assert visual.scores.maxsim


def test_a_long_page_is_found_by_its_best_passage(library):
    hits = library.search(WEATHER, 5, mode=Mode.TEXT, only=Ranking.DENSE, rerank=False).hits
    scores = {(hit.document, hit.page_number): hit.scores.dense for hit in hits}
    assert scores["harbour.pdf", 2] == pytest.approx(1, abs=0.02)
    assert scores["bakery.pdf", 2] > scores["bakery.pdf", 1]


def test_filters_hold_in_channels(library):
    scan = library.find_document("scan.pdf").document_id
    only = PageFilter(documents=frozenset({scan}))
    assert find(library, DENSE_QUESTION, page_filter=only, mode=Mode.TEXT) == [("scan.pdf", 1)]


def test_a_scan_and_a_blank_page_count_as_before(library):
    assert library.examine(silent).is_healthy
    blank = library.find_document("blank.pdf").document_id
    assert [page.n_vectors for page in library.list_pages(blank)] == [0]


def test_a_document_deleted_and_made_anew_is_in_the_channel_again(files, copied):
    with open_library(copied) as library:
        document = library.find_document("harbour.pdf").document_id
        alone = {"mode": Mode.TEXT, "only": Ranking.DENSE}
        before = library.search(DENSE_QUESTION, 3, **alone).hits
        library.delete(document)
        assert ("harbour.pdf", 1) not in find(library, DENSE_QUESTION, **alone)
        library.ingest([files / "harbour.pdf"], silent)
        after = library.search(DENSE_QUESTION, 3, **alone).hits
        assert [hit.scores.dense for hit in after] == [hit.scores.dense for hit in before]


def test_a_library_keeps_to_its_text_models(copied, tmp_path):
    with open_library(copied, "minilm-dense") as again:
        assert [space.channel for space in again.encoders.texts.spaces] == [Channel.DENSE]
    with pytest.raises(EncoderMismatch, match="made with minilm-dense, not with BAAI/bge-m3"):
        open_library(copied, "BAAI/bge-m3")
    with open_library(tmp_path / "plain") as plain:
        assert plain._documents.read_setting(TEXT_ENCODER_IDS) is None
        assert plain.search("fees", 1).hits == ()
    with pytest.raises(EncoderMismatch, match="with no text model, not with minilm-dense") as error:
        open_library(tmp_path / "plain", "minilm-dense")
    assert "pagelens migrate" in format_error(error.value)


def test_models_that_cannot_be_are_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UnknownEncoder, match=r"unknown text model 'minilm-dens'.*minilm-dense"):
        open_library(tmp_path / "library", "minilm-dens")
    assert not (tmp_path / "library").exists()
    with pytest.raises(InvalidSetting, match="both make dense vectors"):
        open_library(tmp_path / "library", "minilm-dense", "minilm-dense")
    with open_library(tmp_path / "library") as library:
        assert library.encoders.texts.spaces == ()


def test_names_stand_between_commas_in_the_environment(monkeypatch):
    monkeypatch.setenv("PAGELENS_TEXT_MODELS", "minilm-dense, naver/splade-v3,")
    assert load_settings().text_models == ("minilm-dense", "naver/splade-v3")
    assert load_settings(text_models=["a/b"]).text_models == ("a/b",)
    monkeypatch.setenv("PAGELENS_TEXT_MODELS", "")
    assert load_settings().text_models is None


def test_evaluate_measures_each_channel_as_a_stage(files, tmp_path):
    (tmp_path / "corpus").mkdir()
    for name in ("harbour.pdf", "bakery.pdf"):
        (tmp_path / "corpus" / name).symlink_to(files / name)
    question = {"id": "q", "text": DENSE_QUESTION}
    (tmp_path / "queries.jsonl").write_text(json.dumps(question) + "\n")
    (tmp_path / "qrels.tsv").write_text("query-id\tfile\tpage\trelevance\nq\tharbour.pdf\t1\t1\n")
    ended = run_pagelens("evaluate", tmp_path, "--text-model", "minilm-dense", "--stages", "--json")
    assert ended.returncode == 0, ended.stderr
    measured = last_json(ended)
    assert measured["text_encoders"][0].startswith("minilm-dense@")
    stages = ["BM25", "MaxSim", "dense", "fusion", "fusion + reranker"]
    assert list(measured["stages"]) == stages
    assert measured["stages"]["BM25"]["metrics"]["ndcg@5"] == 0
    assert measured["stages"]["dense"]["metrics"]["ndcg@5"] == 1


def test_the_command_line_says_which_text_models_a_library_has(ingested):
    assert "Text: minilm-dense (dense)." in ingested[1]


def test_every_channel_ranks_pages_as_the_models_themselves_do(files, tmp_path):
    kinds = ("colbert", "splade", "dense")
    models = [str(getattr(text_checkpoints, f"write_{kind}")(tmp_path / kind)) for kind in kinds]
    question = "Who sells rye bread to the harbour master?"
    with open_library(tmp_path / "library", *models, device="cpu", dtype="float32") as library:
        library.ingest([files / "bakery.pdf", files / "blank.pdf"], silent)
        texts = library.encoders.texts
        assert [space.channel for space in texts.spaces] == list(Channel)
        names = {document.document_id: document.name for document in library.list_documents()}
        pages = sorted(library._index.list_pages())
        words = dict(zip(pages, map(" ".join, library._index.fetch_texts(pages)), strict=True))
        query = texts.encode_query(question)
        read = {page: texts.encode_pages([text])[0] for page, text in words.items() if text}
        assert {names[document] for document, _ in read} == {"bakery.pdf"}
        for channel in Channel:
            expected = {page: score_channel(channel, query, read[page]) for page in read}
            hits = library.search(
                question, 10, mode=Mode.TEXT, only=Ranking(channel.value), rerank=False
            ).hits
            found = {
                (hit.document_id, hit.page_index): getattr(hit.scores, channel.value)
                for hit in hits
            }
            expected = {page: score for page, score in expected.items() if score is not None}
            assert found == pytest.approx(expected, abs=0.01)
            assert list(found.values()) == sorted(found.values(), reverse=True)
        fused = library.search(question, 10, mode=Mode.TEXT).hits[0].scores
        assert None not in (fused.dense, fused.tokens, fused.terms)


def score_channel(channel, query, page):
    """What question and page come to by the channel's rule; None for a page that has no term."""
    if channel is Channel.DENSE:
        return float((page.dense @ query.dense[0]).max())
    if channel is Channel.TOKENS:
        return float((query.tokens @ page.tokens.T).max(axis=1).sum())
    weights = dict(zip(page.terms.indices, page.terms.values, strict=True))
    asked = zip(query.terms.indices, query.terms.values, strict=True)
    shared = [weight * weights[term] for term, weight in asked if term in weights]
    return sum(shared) if shared else None
