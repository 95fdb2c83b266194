"""One server that stands for all vendors, and models of theirs."""

import pytest

from retrieval.hosted.connection import Patience
from retrieval.hosted.opening import (
    open_hosted_photo_encoder,
    open_hosted_reranker,
    open_hosted_text_encoder,
)
from tests.hosted_service import KEYS, serve_vendors
from tests.retrieval.hosted.models import describe_photos, describe_reranker, describe_texts

QUICK = Patience(attempts=3, base_delay_s=0.01, timeout_s=60.0)

# Where each vendor's paths begin; OpenAI's address holds the version.
ADDRESSES = {"openai": "openai/v1"}


@pytest.fixture(scope="module")
def vendors():
    with serve_vendors() as service:
        yield service


@pytest.fixture
def service(vendors, monkeypatch):
    """The vendors, asked nothing yet, with a key for each in the environment."""
    vendors.reset()
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("CO_API_KEY", raising=False)
    for variable, key in KEYS.items():
        monkeypatch.setenv(variable, key)
    return vendors


def find_address(service, model_id):
    vendor = model_id.partition("/")[0]
    return f"{service.url}/{ADDRESSES.get(vendor, vendor)}"


@pytest.fixture
def open_texts(service):
    """Opens a text encoder by its id."""

    def open_one(model_id, dim=None, patience=QUICK, **facts):
        spec = describe_texts(model_id, **facts)
        url = find_address(service, model_id)
        return open_hosted_text_encoder(spec, dim, url=url, patience=patience)

    return open_one


@pytest.fixture
def open_photos(service):
    """Opens a photo encoder by its id."""

    def open_one(model_id, **facts):
        spec = describe_photos(model_id, **facts)
        return open_hosted_photo_encoder(spec, url=find_address(service, model_id), patience=QUICK)

    return open_one


@pytest.fixture
def open_reranker(service):
    """Opens a reranker by its id."""

    def open_one(model_id):
        spec = describe_reranker(model_id)
        return open_hosted_reranker(spec, url=find_address(service, model_id), patience=QUICK)

    return open_one
