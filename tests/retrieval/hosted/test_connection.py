"""How vendors are asked: keys, refusals, patience, and what no error ever says."""

import datetime
import threading
from email.utils import format_datetime

import pytest

from retrieval.errors import InvalidSetting
from retrieval.hosted.connection import (
    PATIENCE,
    Patience,
    Post,
    Rate,
    ServiceConnection,
    read_retry_after,
)
from retrieval.hosted.services import COHERE, GEMINI, JINA, MISTRAL, OPENAI, VOYAGE
from retrieval.service_errors import (
    HostedNotInstalled,
    ServiceAccessDenied,
    ServiceFailed,
    ServiceRateLimited,
    ServiceRefused,
)
from tests.hosted_service import KEYS, Failure
from tests.retrieval.hosted.conftest import QUICK

KEY = KEYS["COHERE_API_KEY"]
BODY = {
    "model": "embed-english-v3.0",
    "texts": ["A page."],
    "input_type": "search_document",
    "embedding_types": ["float"],
}
POST = Post("/v2/embed", BODY)
RATE = Rate(10_000)


def connect(service, patience=QUICK):
    return ServiceConnection(COHERE, f"{service.url}/cohere", patience)


def ask(service, patience=QUICK):
    return connect(service, patience).ask(POST, lambda answer: answer["id"], RATE, 1)


@pytest.mark.parametrize(
    ("service_of", "variable"),
    [
        (OPENAI, "OPENAI_API_KEY"),
        (COHERE, "COHERE_API_KEY"),
        (VOYAGE, "VOYAGE_API_KEY"),
        (MISTRAL, "MISTRAL_API_KEY"),
        (GEMINI, "GEMINI_API_KEY"),
        (JINA, "JINA_API_KEY"),
    ],
)
def test_a_missing_key_is_said_by_its_variable(service, monkeypatch, service_of, variable):
    monkeypatch.delenv(variable)
    with pytest.raises(ServiceAccessDenied, match=f"^{variable} is not set: .* key$") as failure:
        ServiceConnection(service_of)
    assert "environment variable" in failure.value.remedy
    assert failure.value.exit_code == 8
    assert service.asked == []


def test_coheres_other_variable_holds_a_key_too(service, monkeypatch):
    monkeypatch.delenv("COHERE_API_KEY")
    monkeypatch.setenv("CO_API_KEY", KEY)
    assert ask(service) == "5807ee2e"


def test_a_key_that_cannot_be_sent_is_not_shown(service, monkeypatch):
    monkeypatch.setenv("COHERE_API_KEY", "two words\nand a line")
    with pytest.raises(ServiceAccessDenied, match="COHERE_API_KEY holds no key") as failure:
        connect(service)
    assert "two words" not in str(failure.value)


def test_the_line_end_of_a_file_is_no_part_of_a_key(service, monkeypatch):
    monkeypatch.setenv("COHERE_API_KEY", f"{KEY}\n")
    assert ask(service) == "5807ee2e"


def test_another_address_for_openais_interface_comes_from_its_own_variable(service, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/openai/v1")
    connection = ServiceConnection(OPENAI, patience=QUICK)
    post = Post("/embeddings", {"model": "text-embedding-3-small", "input": ["A page."]})
    assert connection.ask(post, lambda answer: answer["object"], RATE, 1) == "list"
    monkeypatch.setenv("OPENAI_BASE_URL", "me:password@example.org")
    with pytest.raises(InvalidSetting, match="OPENAI_BASE_URL: an address") as failure:
        ServiceConnection(OPENAI)
    assert "password@" not in str(failure.value)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_what_may_pass_is_asked_again(service, status):
    service.failures = [Failure(status), Failure(status)]
    assert ask(service) == "5807ee2e"
    assert len(service.asked) == 3
    assert all(asked.body == BODY for asked in service.asked)


def test_a_vendor_that_says_when_is_asked_no_sooner(service):
    service.failures = [Failure(429, headers={"retry-after": "1"})]
    assert ask(service) == "5807ee2e"
    first, second = service.asked
    assert second.at - first.at >= 0.9


def test_a_vendor_that_asks_to_wait_too_long_is_not_waited_for(service):
    service.failures = [Failure(429, {"message": "daily limit"}, {"retry-after": "3600"})]
    with pytest.raises(ServiceRateLimited, match=r"asks to wait 3600 s.*daily limit") as failure:
        ask(service)
    assert len(service.asked) == 1
    assert failure.value.wait_s == 3600
    assert "stored stays" in failure.value.remedy


def test_retry_after_may_be_a_date(service):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=90)
    assert read_retry_after("2.5") == 2.5
    assert 30 < read_retry_after(format_datetime(soon, usegmt=True)) <= 90
    assert read_retry_after("Fri, 13 Nov 2009 00:00:00 GMT") == 0
    assert read_retry_after("soon") == 0
    assert read_retry_after("") == 0


def test_patience_ends(service):
    service.failures = [Failure(429, {"message": "slow down"})] * 5
    with pytest.raises(ServiceRateLimited, match=r"Cohere takes no more requests .*slow down"):
        ask(service)
    assert len(service.asked) == QUICK.attempts


@pytest.mark.parametrize(
    ("failure", "error", "says"),
    [
        (Failure(401), ServiceAccessDenied, r"not take the key in COHERE_API_KEY \(status 401\)$"),
        (Failure(403, {"detail": "no credit left"}), ServiceAccessDenied, "403.*no credit left"),
        (
            Failure(400, {"error": {"message": "API key not valid. Pass a valid one."}}),
            ServiceAccessDenied,
            "not take the key",
        ),
        (Failure(400, {"message": "too long"}), ServiceRefused, r"status 400\): too long"),
        (Failure(404, {"error": {"message": "no model"}}), ServiceRefused, "404.*no model"),
        (Failure(422, {"detail": [{"msg": "field required"}]}), ServiceRefused, "field required"),
        (Failure(418, "<html>teapot</html>"), ServiceRefused, "teapot"),
        (Failure(418, ""), ServiceRefused, "no reason given"),
        (Failure(307, headers={"location": "/elsewhere"}), ServiceFailed, "redirects"),
        (Failure(200, "<html>hello</html>"), ServiceFailed, "not with JSON"),
        (Failure(200, {"object": "something else"}), ServiceFailed, "documentation"),
    ],
)
def test_what_would_fail_again_is_said_at_once(service, failure, error, says):
    service.failures = [failure]
    with pytest.raises(error, match=says) as raised:
        ask(service)
    assert len(service.asked) == 1
    assert "\n" not in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_no_error_repeats_the_key_or_a_long_story(service, status):
    service.failures = [Failure(status, {"message": f"Bearer {KEY} " + "story " * 200})] * 3
    with pytest.raises(ServiceFailed) as failure:
        ask(service)
    assert KEY not in str(failure.value)
    assert "***" in str(failure.value)
    assert len(str(failure.value)) < 300


def test_silence_ends(service):
    service.pause = threading.Event()
    try:
        with pytest.raises(ServiceFailed, match=r"Cohere was silent for 0\.3 s"):
            ask(service, Patience(attempts=2, base_delay_s=0.01, timeout_s=0.3))
    finally:
        service.pause.set()


def test_who_waits_for_an_answer_waits_less():
    assert PATIENCE.hurry() == Patience(attempts=3, max_delay_s=30.0, timeout_s=20.0)
    assert QUICK.hurry().attempts == QUICK.attempts


def test_a_person_is_not_let_wait_as_long_as_an_ingest(service):
    connection = connect(service)
    service.failures = [Failure(429, headers={"retry-after": "45"})]
    with pytest.raises(ServiceRateLimited, match="asks to wait 45 s"):
        connection.ask(POST, dict, RATE, 1, is_waited_for=True)
    assert len(service.asked) == 1


def test_a_closed_port_is_said(service):
    patience = Patience(attempts=2, base_delay_s=0.01)
    connection = ServiceConnection(COHERE, "http://127.0.0.1:9", patience)
    with pytest.raises(ServiceFailed, match=r"Cohere cannot be reached at 127\.0\.0\.1:9: "):
        connection.ask(POST, dict, RATE, 1)


def test_no_more_is_sent_than_the_vendor_takes_in_its_window(service):
    connection = connect(service)
    rate = Rate(4, counts_inputs=True, window_s=1)
    for _ in range(3):
        connection.ask(POST, lambda answer: answer, rate, 2)
    first, second, third = (asked.at for asked in service.asked)
    assert third - first >= 0.9
    assert second - first < third - first


def test_a_request_larger_than_the_window_goes_alone(service):
    connection = connect(service)
    assert connection.ask(POST, lambda answer: answer["id"], Rate(4, True, 1), 96) == "5807ee2e"


def test_nothing_is_asked_where_the_extra_is_not_installed(service, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(HostedNotInstalled, match="Cohere cannot be asked") as failure:
        connect(service)
    assert "pip install 'pagelens[hosted]'" in failure.value.remedy


def test_the_key_goes_to_no_other_host(service, monkeypatch):
    """A redirect is an answer like any other; the client itself follows none."""
    service.failures = [Failure(307, headers={"location": f"{service.url}/jina/v1/rerank"})]
    with pytest.raises(ServiceFailed, match="redirects"):
        ask(service)
    assert [asked.path for asked in service.asked] == ["/cohere/v2/embed"]
