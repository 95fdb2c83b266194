"""Status, models, health, readiness, metrics, errors and the description of the API."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.api.errors import STATUS_OF_ERROR, answer_error
from retrieval import errors
from retrieval.errors import PagelensError
from tests.app.api.asking import error_of
from tests.terminal import last_json, run_pagelens


def test_status_and_models_are_those_of_the_command_line(served):
    status = served.http.get("/api/v1/status").json()
    printed = last_json(run_pagelens("status", "--json", "--library", served.unserved_copy))
    # The server's copy has been asked since, and its log has grown.
    assert status.pop("bytes") > 0
    del printed["bytes"]
    assert status == printed
    assert served.http.get("/api/v1/models").json() == last_json(run_pagelens("models", "--json"))
    asked = {"licence": "commercial", "modality": "rerankers"}
    found = served.http.get("/api/v1/models", params=asked).json()
    assert "minilm-reranker" in {entry["id"] for entry in found}
    assert {(entry["modality"], entry["commercial_use"]) for entry in found} == {
        ("rerankers", True)
    }


def test_health_and_readiness_answer(served):
    assert served.http.get("/health").json() == {"status": "ok"}
    assert served.http.get("/ready").json() == {"status": "ready"}


def read_metrics(http) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(http.get("/metrics").text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_count_requests_by_route_and_what_the_library_holds(served):
    id_ = served.find("harbour.pdf")
    route = "/api/v1/documents/{document_id}"
    before = read_metrics(served.http)
    served.http.get(f"/api/v1/documents/{id_}")
    served.http.get(f"/api/v1/documents/{'0' * 64}")
    served.http.get("/nothing/of/the/kind")
    served.http.request("BREW", "/health")
    after = read_metrics(served.http)

    def rise(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert rise("pagelens_requests_total", *sorted((route, "GET", "200"))) == 1
    assert rise("pagelens_requests_total", *sorted((route, "GET", "404"))) == 1
    assert rise("pagelens_request_seconds_count", *sorted((route, "GET"))) == 2
    assert rise("pagelens_requests_total", *sorted(("other", "GET", "404"))) == 1
    assert not any("BREW" in key or id_ in str(key) for key in after)
    assert after[("pagelens_documents",)] == 3
    assert after[("pagelens_pages",)] == 4
    assert after["pagelens_jobs", "running"] == 0


def test_what_is_not_there_is_refused_in_the_one_shape(served):
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v1/status", 405),
    ):
        answer = served.http.request(method, path)
        assert answer.status_code == status, path
        assert path in error_of(answer)["message"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.UnknownDocument, 404),
        (errors.UnknownPage, 404),
        (errors.UnknownJob, 404),
        (errors.UploadTooLarge, 413),
        (errors.InvalidRequest, 422),
        (errors.EncryptedDocument, 422),
        (errors.TooManyUploads, 429),
        (errors.AccessDenied, 401),
        (errors.ForeignRequest, 403),
        (errors.DiskFull, 507),
        (errors.LibraryUnusable, 503),
        (errors.IndexServerFailed, 503),
        (errors.InvalidEmbedding, 500),
    ],
)
def test_each_error_has_its_status(kind, status):
    assert answer_error(kind("a reason")).status_code == status
    assert issubclass(kind, PagelensError)


def test_no_status_is_hidden_by_one_before_it():
    kinds = list(STATUS_OF_ERROR)
    for place, kind in enumerate(kinds):
        assert not any(issubclass(kind, before) for before in kinds[:place])


def test_the_api_describes_itself_with_examples(served):
    described = served.http.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert described["servers"] == [{"url": "/api/v1"}]
    assert described["paths"].keys() == {
        "/documents",
        "/documents/{document_id}",
        "/documents/{document_id}/original",
        "/documents/{document_id}/pages/{page_number}/image",
        "/documents/{document_id}/pages/{page_number}/evidence",
        "/documents/{document_id}/pages/{page_number}/words",
        "/documents/{document_id}/reindex",
        "/documents/{document_id}/tags",
        "/jobs",
        "/jobs/retry",
        "/jobs/{job_id}",
        "/jobs/{job_id}/events",
        "/jobs/{job_id}/cancel",
        "/jobs/{job_id}/pause",
        "/jobs/{job_id}/resume",
        "/jobs/{job_id}/retry",
        "/search",
        "/search/image",
        "/ask",
        "/models",
        "/status",
        "/tags",
        "/backup",
        "/comparisons",
        "/comparisons/run",
        "/comparisons/{comparison_id}",
        "/questions",
        "/questions/mark",
        "/questions/import",
        "/questions/export",
        "/questions/propose",
        "/questions/{question_id}",
        "/migrations",
        "/migrations/switch",
        "/migrations/roll-back",
        "/migrations/drop-old",
    }
    schemas = described["components"]["schemas"]
    for name in ("SearchBody", "AnswerBody", "JobBody", "DocumentBody", "ErrorBody"):
        assert schemas[name]["examples"]
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["description"]
    # No page that would fetch scripts from elsewhere.
    assert served.http.get("/api/v1/docs").status_code == 404
