"""What only the index on a server is about: failures on the way, and what the server is asked."""

import socket
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone

import grpc
import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import grpc as messages
from qdrant_client.conversions.conversion import RestToGrpc

from app.errors import format_error
from retrieval.errors import IndexFailed, IndexMismatch, IndexServerFailed
from retrieval.index import connection
from retrieval.index.base import PageFilter, VectorStorage
from retrieval.index.connection import check_version, connect
from retrieval.index.points import INDEXED_FIELDS, build_points
from retrieval.index.requests import (
    REQUEST_BYTES,
    compile_point,
    estimate_bytes,
    split_requests,
)
from retrieval.index.retries import Retries
from retrieval.index.server import QdrantIndex, ServerOptions
from retrieval.records import Kind, PageEmbedding
from tests.qdrant_answers import (
    Answers,
    GrpcAnswers,
    describe_collection,
    describe_grpc_collection,
    serve_answers,
    serve_grpc,
)
from tests.retrieval.test_index_contract import (
    DIM,
    LAYOUT,
    make_embedding,
    make_page,
    make_photo,
    make_query,
    unit_vectors,
)

KEY = "a-key-that-nobody-may-read"
QUICK = Retries(attempts=4, base_delay_s=0.01)
# What a Qdrant server refuses to read, by default; the smaller of REST and gRPC.
SERVER_REQUEST_BYTES = 32_000_000


@pytest.fixture
def answers():
    with serve_answers(Answers()) as answers:
        yield answers


@pytest.fixture
def open_local(tmp_path):
    """Opens a collection of one storage in qdrant-client's local mode."""

    def open_index(layout=LAYOUT, collection="pages", **options):
        client = QdrantClient(path=str(tmp_path))
        return QdrantIndex(client, collection, layout, ServerOptions("there", **options))

    return open_index


@pytest.fixture
def recorded(answers):
    """An index whose server keeps what it is asked for; the collection is not there yet."""
    describe_collection(answers, "pages", LAYOUT, "my-library", exists=False)
    options = ServerOptions(
        answers.url, "my-library", shards=3, replicas=2, write_consistency=2, retries=QUICK
    )
    index = QdrantIndex(connect(answers.url), "pages", LAYOUT, options)
    yield index
    index.close()


def test_a_server_that_is_busy_for_a_moment_is_asked_again(recorded, answers):
    answers.asked.clear()
    answers.failures[:] = [503, 500, 429]
    recorded.upsert([make_page("doc")])
    assert answers.paths == ["PUT /collections/pages/points"] * 4
    assert answers.asked[0] == answers.asked[-1]


def test_a_server_that_stays_busy_is_asked_so_often_and_no_more(recorded, answers):
    answers.asked.clear()
    answers.failures[:] = [503] * 100
    with pytest.raises(IndexServerFailed) as failed:
        recorded.search(make_query(1), 5)
    assert len(answers.asked) == QUICK.attempts
    message = f"could not search the index at {answers.url}: HTTP 503: not now"
    assert str(failed.value) == message
    assert "PAGELENS_QDRANT_URL" in format_error(failed.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_a_server_refuses_is_not_asked_again(recorded, answers, status):
    answers.asked.clear()
    answers.failures[:] = [status] * 100
    with pytest.raises(IndexServerFailed, match=f"HTTP {status}: not now"):
        recorded.count()
    assert len(answers.asked) == 1


def test_waits_as_long_as_the_server_says_up_to_a_limit(recorded, answers):
    retries = Retries(3, base_delay_s=0.01, max_delay_s=0.1)
    options = ServerOptions("there", "my-library", retries=retries)
    patient = QdrantIndex(connect(answers.url), "pages", LAYOUT, options)
    answers.headers["Retry-After"] = "3600"
    answers.failures[:] = [429, 429]
    started = time.perf_counter()
    with closing(patient):
        patient.upsert([make_page("doc")])
    assert 0.2 <= time.perf_counter() - started < 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_is_down_is_one_line_that_names_it_and_keeps_the_key(scheme):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"{scheme}://127.0.0.1:{port}"
    started = time.perf_counter()
    with pytest.raises(IndexServerFailed) as failed:
        connect(url, KEY, retries=QUICK)
    assert time.perf_counter() - started < 5
    assert str(failed.value).startswith(f"no Qdrant server answers at {url}: ")
    assert "\n" not in str(failed.value)
    error = failed.value
    while error is not None:
        assert KEY not in f"{error} {error!r}"
        error = error.__cause__


def test_what_is_no_qdrant_server_is_said_to_be_none(answers):
    with pytest.raises(IndexServerFailed, match="what answers there is no Qdrant server"):
        connect(f"{answers.url}/another/service", retries=QUICK)
    answers.failures[:] = [404] * 100
    with pytest.raises(IndexServerFailed, match="HTTP 404"):
        connect(answers.url, retries=QUICK)
    assert len(answers.asked) == 2


@pytest.fixture
def grpc_answers():
    with serve_grpc(GrpcAnswers()) as answers:
        yield answers


def open_by_grpc(port, layout=LAYOUT):
    client = QdrantClient(
        host="127.0.0.1", grpc_port=port, prefer_grpc=True, check_compatibility=False
    )
    options = ServerOptions(f"http://127.0.0.1:{port}", "my-library", shards=3, retries=QUICK)
    return QdrantIndex(client, "pages", layout, options)


def test_failures_of_grpc_are_retried_and_named_like_those_of_http(grpc_answers):
    grpc_answers.failure = grpc.StatusCode.UNAVAILABLE
    with pytest.raises(IndexServerFailed) as failed:
        open_by_grpc(grpc_answers.port)
    assert len(grpc_answers.asked) == QUICK.attempts
    place = f"http://127.0.0.1:{grpc_answers.port}"
    assert str(failed.value) == f"could not open the index at {place}: gRPC UNAVAILABLE: not now"


def test_what_is_refused_by_grpc_is_not_asked_again(grpc_answers):
    grpc_answers.failure = grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(IndexServerFailed, match="UNAUTHENTICATED"):
        open_by_grpc(grpc_answers.port)
    assert len(grpc_answers.asked) == 1


@pytest.mark.parametrize("storage", VectorStorage)
def test_by_grpc_the_same_is_asked_for(grpc_answers, storage):
    layout = replace(LAYOUT, storage=storage)
    describe_grpc_collection(grpc_answers, layout, "my-library")
    since = datetime(2026, 5, 1, tzinfo=timezone.utc)
    asked_for = PageFilter(
        documents=frozenset({"a", "b"}),
        excluded=frozenset({"c"}),
        kind=Kind.PAGE,
        tags=frozenset({"tax"}),
        pages=(2, None),
        added=(since, None),
    )
    with closing(open_by_grpc(grpc_answers.port, layout)) as index:
        index.upsert([make_page("doc", text="pump valve")])
        index.search(make_query(1, n_tokens=6), 5, asked_for)

    made = grpc_answers.find("Create", messages.CreateCollection)
    page = made.vectors_config.params_map.map["page"]
    assert (page.size, page.distance) == (DIM, messages.Distance.Dot)
    assert page.datatype == messages.Datatype.Value(storage.value.capitalize())
    assert page.memory == messages.Memory.Cold
    assert page.multivector_config.comparator == messages.MultiVectorComparator.MaxSim
    assert made.sparse_vectors_config.map["words"].modifier == messages.Modifier.Idf
    assert (made.hnsw_config.m, made.shard_number) == (0, 3)

    (point,) = grpc_answers.find("Upsert", messages.UpsertPoints).points
    assert len(point.vectors.vectors.vectors["page"].multi_dense.vectors) == 5
    assert len(point.vectors.vectors.vectors["words"].sparse.indices) == 2

    query = grpc_answers.find("Query", messages.QueryPoints)
    assert (query.using, query.limit) == ("page", 5)
    assert len(query.query.nearest.multi_dense.vectors) == 6
    fields = {condition.field.key: condition.field for condition in query.filter.must}
    assert set(fields) == {"", "document_id", "kind", "tags", "page_index", "added_at"}
    assert query.filter.must[0].has_vector.has_vector == "page"
    assert list(fields["document_id"].match.keywords.strings) == ["a", "b"]
    assert (fields["page_index"].range.gte, fields["page_index"].range.HasField("lte")) == (
        1,
        False,
    )
    assert fields["added_at"].datetime_range.gte.ToDatetime(timezone.utc) == since
    (excluded,) = query.filter.must_not
    assert list(excluded.field.match.keywords.strings) == ["c"]


def test_grpc_is_used_where_the_ports_are_the_usual_ones_and_it_answers(
    answers, grpc_answers, monkeypatch
):
    """The ports stand in for 6333 and 6334, which something else may use on this machine."""
    rest_port = int(answers.url.rpartition(":")[2])
    monkeypatch.setattr(connection, "GRPC_PORT", grpc_answers.port)
    with closing(connect(answers.url, retries=QUICK)):
        assert grpc_answers.asked == []
    monkeypatch.setattr(connection, "REST_PORT", rest_port)
    with closing(connect(answers.url, retries=QUICK)) as client:
        grpc_answers.asked.clear()
        assert client.info().version == "1.20.0"
        assert [method for method, _ in grpc_answers.asked] == ["HealthCheck"]
    grpc_answers.failure = grpc.StatusCode.UNIMPLEMENTED
    with closing(connect(answers.url, retries=QUICK)) as client:
        answers.asked.clear()
        assert client.info().version == "1.20.0"
        assert answers.paths == ["GET /"]


def test_a_new_collection_is_made_as_the_settings_say(recorded, answers):
    (made,) = (body for _, path, body in answers.asked if path == "/collections/pages" and body)
    assert made["vectors"]["page"] == {
        "size": DIM,
        "distance": "Dot",
        "datatype": "float16",
        "memory": "cold",
        "multivector_config": {"comparator": "max_sim"},
    }
    assert made["sparse_vectors"] == {"cells": {}, "words": {"modifier": "idf"}}
    assert made["hnsw_config"] == {"m": 0}
    assert made["shard_number"] == 3
    assert made["replication_factor"] == made["write_consistency_factor"] == 2
    assert made["metadata"]["pagelens"]["encoder"] == LAYOUT.encoder_key
    assert made["metadata"]["pagelens"]["library"] == "my-library"


def test_every_field_of_a_filter_is_indexed_before_the_first_point(recorded, answers):
    recorded.upsert([make_page("doc")])
    first_point = answers.paths.index("PUT /collections/pages/points")
    indexed = {
        body["field_name"]: body["field_schema"]
        for _, path, body in answers.asked[:first_point]
        if path == "/collections/pages/index"
    }
    assert indexed == {field: kind.value for field, kind in INDEXED_FIELDS.items()}


def test_the_space_of_photos_is_made_with_the_first_photo(recorded, answers):
    answers.asked.clear()
    recorded.upsert([make_page("doc")])
    recorded.upsert([make_photo("photo", 1)])
    recorded.upsert([make_photo("another", 2)])
    points, space = "PUT /collections/pages/points", "PUT /collections/pages/vectors/photo"
    assert answers.paths == [points, "GET /collections/pages", space, points, points]
    assert answers.asked[2][2]["dense"]["size"] == 8


def test_a_photo_of_another_space_is_refused_with_both_numbers(open_local):
    with closing(open_local()) as index:
        index.upsert([make_photo("photo", 1, dim=8)])
        with pytest.raises(IndexFailed, match=r"9 dimensions.*have 8"):
            index.upsert([make_photo("other", 2, dim=9)])


def make_large_page(n_numbers: int, dim: int = DIM):
    """Values of half precision whose decimal digits are as many as can be."""
    vectors = np.tile(unit_vectors(3, 64, dim).astype(np.float16), (n_numbers // dim // 64 + 1, 1))
    vectors = vectors[: n_numbers // dim]
    boxes = np.random.default_rng(1).random((len(vectors), 4)).astype(np.float32)
    return replace(make_page("large"), embedding=PageEmbedding(vectors, boxes))


def test_no_request_is_larger_than_a_server_reads(recorded, answers):
    largest = make_large_page(1_048_575)
    pages = [make_page(f"doc{i}", seed=i, text="words " * 300) for i in range(20)]
    recorded.upsert([*pages, largest, *pages])
    sizes = [
        n_bytes
        for path, n_bytes in zip(answers.paths, answers.body_bytes, strict=True)
        if path == "PUT /collections/pages/points"
    ]
    assert len(sizes) == 3
    assert max(sizes) < SERVER_REQUEST_BYTES


def test_requests_are_estimated_above_what_they_take():
    embedding = make_embedding(1, n_vectors=200)
    page = replace(make_page("straße", text="grün Ωmega 東京 " * 50), embedding=embedding)
    (point,) = build_points([page], LAYOUT, None)
    compiled = compile_point(point)
    assert len(compiled.model_dump_json().encode()) <= estimate_bytes(point)
    assert RestToGrpc.convert_point_struct(compiled).ByteSize() <= estimate_bytes(point)


def test_points_are_sent_in_order_and_as_many_at_once_as_fit():
    pages = [replace(make_large_page(64_000), page_index=i) for i in range(12)]
    points = build_points(pages, LAYOUT, None)
    batches = list(split_requests(points))
    assert [point for batch in batches for point in batch] == points
    sizes = [sum(map(estimate_bytes, batch)) for batch in batches]
    assert max(sizes) <= REQUEST_BYTES
    for size, following in zip(sizes, batches[1:], strict=False):
        assert size + estimate_bytes(following[0]) > REQUEST_BYTES


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"encoder_key": "other@2"}, ["test-encoder@1", "other@2"]),
        ({"dim": 48}, ["dim 32", "dim 48"]),
        ({"storage": VectorStorage.TURBO8}, ["float16", "turbo8"]),
    ],
)
def test_a_collection_made_for_other_vectors_is_refused_by_both_names(open_local, change, named):
    open_local().close()
    with pytest.raises(IndexMismatch) as refused:
        open_local(replace(LAYOUT, **change))
    assert all(name in str(refused.value) for name in ["collection pages", *named])
    open_local().close()


def test_a_collection_of_another_library_or_program_is_refused(open_local, tmp_path):
    open_local(owner="mine").close()
    with pytest.raises(IndexMismatch, match=r"made for library mine, not for library yours"):
        open_local(owner="yours")
    with closing(QdrantClient(path=str(tmp_path))) as client:
        client.create_collection("foreign", vectors_config={})
    with pytest.raises(IndexMismatch, match="not made by Pagelens"):
        open_local(collection="foreign")


def test_a_collection_that_must_be_there_is_not_made_anew(open_local):
    with pytest.raises(IndexMismatch, match="there is no collection pages at there"):
        open_local(may_create=False)
    open_local().close()
    open_local(may_create=False).close()


@pytest.mark.parametrize(
    ("version", "storage", "needed"),
    [
        ("1.18.2", VectorStorage.FLOAT16, "1.19"),
        ("1.18.2", VectorStorage.TURBO4, "1.19"),
        ("1.19.3", VectorStorage.TURBO8, "1.20"),
    ],
)
def test_a_server_that_is_too_old_is_told_with_the_version_it_takes(version, storage, needed):
    with pytest.raises(IndexServerFailed) as refused:
        check_version(version, storage, "http://old")
    assert f"as {storage.value} needs Qdrant {needed} or newer" in str(refused.value)
    assert f"http://old runs {version}" in str(refused.value)


@pytest.mark.parametrize("version", ["1.20.0", "1.20.1-dev", "1.21.0", "2.0.0", "dev"])
def test_newer_servers_and_builds_without_a_number_are_not_refused(version):
    for storage in VectorStorage:
        check_version(version, storage, "http://new")
