"""Every model at a vendor that the catalogs hold is asked as that vendor documents."""

import numpy as np
import pytest
from PIL import Image

from retrieval.encoders.opening import EncoderOptions
from retrieval.encoders.photo_catalog import PHOTO_CATALOG
from retrieval.errors import DimensionRefused, ModelNotOpenable
from retrieval.hosted import opening
from retrieval.rerankers.catalog import RERANKER_CATALOG
from retrieval.service_errors import ServiceAccessDenied
from retrieval.text_encoders.catalog import TEXT_CATALOG
from retrieval.text_encoders.opening import open_text_encoder
from tests.hosted_service import KEYS
from tests.retrieval.hosted.conftest import QUICK, find_address


def list_hosted(catalog):
    hosted = [spec for spec in catalog if spec.is_hosted and not spec.obstacle]
    assert hosted
    return [pytest.param(spec, id=spec.id) for spec in hosted]


def ways(service, spec):
    return {"url": find_address(service, spec.id), "patience": QUICK}


@pytest.mark.parametrize("spec", list_hosted(TEXT_CATALOG))
def test_text_encoders_of_every_length(service, spec):
    """The server refuses what the vendor does not document, lengths included."""
    for dim in (None, *spec.matryoshka_dims):
        encoder = opening.open_hosted_text_encoder(spec, dim, **ways(service, spec))
        assert encoder.encode_query("A question?").dense.shape == (1, dim or spec.dim)
        (page,) = encoder.encode_pages(["A page of words."])
        assert page.dense.shape == (1, dim or spec.dim)


@pytest.mark.parametrize("spec", list_hosted(PHOTO_CATALOG))
def test_photo_encoders(service, spec):
    encoder = opening.open_hosted_photo_encoder(spec, **ways(service, spec))
    assert encoder.encode_photos([Image.new("RGB", (60, 40), "teal")]).shape == (1, spec.dim)
    assert encoder.encode_text("a teal wall").shape == (spec.dim,)


@pytest.mark.parametrize("spec", list_hosted(RERANKER_CATALOG))
def test_rerankers(service, spec):
    reranker = opening.open_hosted_reranker(spec, **ways(service, spec))
    assert np.argmax(reranker.score("rye bread", ["a comet", "fresh rye bread"])) == 1


@pytest.mark.parametrize("spec", list_hosted(TEXT_CATALOG))
def test_they_are_opened_by_name_where_the_environment_holds_a_key(service, monkeypatch, spec):
    assert open_text_encoder(spec.id, EncoderOptions(commercial=True)).spec == spec
    for variable in KEYS:
        monkeypatch.delenv(variable)
    with pytest.raises(ServiceAccessDenied, match="_API_KEY is not set"):
        open_text_encoder(spec.id)


def test_a_length_that_a_model_was_not_trained_for_is_refused(service):
    with pytest.raises(DimensionRefused, match=r"cohere/embed-v4\.0 cannot be cut to 300"):
        open_text_encoder("cohere/embed-v4.0:300")
    assert open_text_encoder("cohere/embed-v4.0:256").dim == 256


def test_a_model_that_its_vendor_ended_is_not_asked(service):
    with pytest.raises(ModelNotOpenable, match="its end"):
        open_text_encoder("gemini/text-embedding-004")
    assert service.asked == []
