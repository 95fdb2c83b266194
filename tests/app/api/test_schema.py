"""schemathesis asks the API what its own description allows; every answer must be described."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.app.api.conftest import serve_copy

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

OPERATIONS = {
    "GET /documents",
    "POST /documents",
    "GET /documents/{document_id}",
    "DELETE /documents/{document_id}",
    "PUT /documents/{document_id}/tags",
    "POST /documents/{document_id}/reindex",
    "GET /documents/{document_id}/original",
    "GET /documents/{document_id}/pages/{page_number}/image",
    "GET /documents/{document_id}/pages/{page_number}/words",
    "GET /documents/{document_id}/pages/{page_number}/evidence",
    "GET /jobs",
    "GET /jobs/{job_id}",
    "DELETE /jobs/{job_id}",
    "GET /jobs/{job_id}/events",
    "POST /jobs/retry",
    "POST /jobs/{job_id}/cancel",
    "POST /jobs/{job_id}/pause",
    "POST /jobs/{job_id}/resume",
    "POST /jobs/{job_id}/retry",
    "POST /search",
    "POST /search/image",
    "POST /ask",
    "GET /questions",
    "POST /questions",
    "PATCH /questions/{question_id}",
    "DELETE /questions/{question_id}",
    "POST /questions/mark",
    "POST /questions/import",
    "GET /questions/export",
    "POST /questions/propose",
    "GET /questions/propose",
    "DELETE /questions/propose",
    "GET /comparisons",
    "POST /comparisons",
    "GET /comparisons/run",
    "DELETE /comparisons/run",
    "GET /comparisons/{comparison_id}",
    "GET /models",
    "GET /status",
    "GET /tags",
    "GET /backup",
    "GET /migrations",
    "POST /migrations",
    "POST /migrations/switch",
    "POST /migrations/roll-back",
    "POST /migrations/drop-old",
}


@pytest.fixture(scope="module")
def tried(library_folder, tmp_path_factory):
    """A server of its own: who knows what it will hold."""
    for served in serve_copy(library_folder, tmp_path_factory.mktemp("tried")):
        with served.library.keep_working():
            yield served


@pytest.fixture(scope="module")
def operations(tried):
    schema = schemathesis.openapi.from_url(f"{tried.http.base_url}/api/v1/openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


def test_every_operation_is_asked(operations):
    assert operations.keys() == OPERATIONS


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_answer_is_one_that_the_description_names(operations, name):
    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operations[name].as_strategy())
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()
