"""A library whose text encoder and reranker run at vendors: added, searched, paid for."""

import pytest

from app.compare import compare_variants
from app.dry_run import forecast
from app.ingest_output import describe_forecast, forecast_json
from app.library import Library
from app.settings import Settings
from app.variants import list_variants
from retrieval.evaluation import load_evaluation_set
from retrieval.hosted import connection
from retrieval.hosted.connection import Patience
from retrieval.page_fusion import Ranking
from retrieval.search import Mode
from retrieval.service_errors import ServiceAccessDenied, ServiceFailed
from tests.app.test_compare import write_set
from tests.documents import write_text_pdf
from tests.hosted_service import KEYS, Failure, count_tokens, serve_vendors
from tests.terminal import run_pagelens

MODEL = "openai/text-embedding-3-small"
HARBOUR = "The harbour master collects mooring fees from every yacht on the first of May."
BAKERY = "Our bakery sells rye bread, plum cake and warm cinnamon rolls."


def silent(progress):
    pass


@pytest.fixture(scope="module")
def vendors():
    with serve_vendors() as service:
        yield service


@pytest.fixture
def service(vendors, monkeypatch):
    vendors.reset()
    monkeypatch.setenv("OPENAI_BASE_URL", f"{vendors.url}/openai/v1")
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    # Nobody waits a second for the next attempt.
    monkeypatch.setattr(connection, "PATIENCE", Patience(attempts=2, base_delay_s=0.01))
    return vendors


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    write_text_pdf(folder / "harbour.pdf", HARBOUR)
    write_text_pdf(folder / "bakery.pdf", BAKERY)
    return folder


def open_library(tmp_path, *text_models):
    settings = Settings(library=tmp_path / "library", text_models=text_models or None)
    return Library(settings)


def test_pages_and_questions_go_to_the_vendor_and_come_back_as_a_channel(service, tmp_path, files):
    with open_library(tmp_path, MODEL) as library:
        assert library.ingest([files], silent).pages == 2
        assert sorted(text for asked in service.asked for text in asked.body["input"]) == [
            BAKERY,
            HARBOUR,
        ]
        (paid,) = library.encoders.list_paid()
        assert paid.spent.tokens > 0
        # The server's vectors say nothing of meaning: the same text has the same one.
        options = {"mode": Mode.TEXT, "rerank": False, "only": Ranking.DENSE}
        (first, _) = library.search(BAKERY, 2, **options).hits
        assert first.document == "bakery.pdf"
        service.failures = [Failure(500)] * 9
        with pytest.raises(ServiceFailed, match="OpenAI failed"):
            library.search("mooring fees", 2, **options)
    with pytest.raises(ServiceAccessDenied), pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPENAI_API_KEY")
        open_library(tmp_path)


def test_what_a_vendor_refused_is_added_by_another_try(service, tmp_path, files):
    with open_library(tmp_path, MODEL) as library:
        service.failures = [Failure(429, {"error": {"message": "slow down"}})] * 20
        report = library.ingest([files], silent)
        assert [str(refusal.error) for refusal in report.failed] == [
            "OpenAI takes no more requests for now (status 429): slow down"
        ] * 2
        service.failures = []
        assert library.ingest([], silent, retry_failed=True).pages == 2


def test_ingest_says_about_what_it_costs_and_what_it_did(service, tmp_path, files):
    folder = tmp_path / "library"
    expected = forecast(folder, None, (MODEL,), [files], silent)
    assert "about less than $0.0001 for 1,640 tokens at vendors" in describe_forecast(expected)
    told = run_pagelens("ingest", files, "--library", folder, "--text-model", MODEL)
    assert "The words of pages are sent to a vendor: about $0.016 for 820 k tokens" in told.stderr
    tokens = sum(count_tokens([page]) for page in (HARBOUR, BAKERY))
    assert f"Spent less than $0.0001 for {tokens} tokens on {MODEL}." in told.stderr
    assert not any(key in told.stderr + told.stdout for key in KEYS.values())
    # The library knows its text models; nothing is left to add.
    assert forecast_json(forecast(folder, None, None, [files], silent))["usd"] == 0


def test_a_library_without_models_at_vendors_is_sent_nowhere(service, tmp_path, files):
    assert forecast_json(forecast(tmp_path, None, None, [files], silent))["usd"] is None
    assert service.asked == []


def test_compare_says_what_vendors_were_paid(service, tmp_path):
    folder = write_set(tmp_path / "town", ("fees", "bread"))
    settings = Settings(library=tmp_path / "untouched", reranker="none")
    variants = list_variants({"text_models": f"none,{MODEL}", "mode": "text"}, (), settings)
    evaluation_set = load_evaluation_set(folder)

    def compare():
        return compare_variants(
            "town", evaluation_set, variants, settings, tmp_path / "cache", lambda name: silent
        )

    spent = compare().spent
    # The pages in one library that is opened, the questions in another.
    assert len(spent) == 2
    assert all(line.startswith("Spent ") and line.endswith(f" on {MODEL}.") for line in spent)
    # All answers are kept: nobody is asked, and nobody paid.
    service.reset()
    assert compare().spent == ()
    assert service.asked == []
