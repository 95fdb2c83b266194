"""The doors of the server: who may ask, from where, how much, and what is never served."""

import logging
from contextlib import contextmanager
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import Mount

from app.api.doors import read_credentials
from app.server import build_app
from app.settings import Settings, load_settings
from retrieval.errors import InvalidSetting, MissingCredentials
from tests.app.api.asking import error_of
from tests.app.api.serving import serve
from tests.terminal import run_python

KEY = "key-that-nobody-guesses-83a1"
PASSWORD = "Päßword: of the harbour master"

OTHER_SITE = "https://other.example"


@contextmanager
def locked(library, **settings):
    """A server over an open library, with these settings; yields a client without credentials."""
    with (
        serve(library, Settings(library=library.folder, **settings)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as http,
    ):
        yield http


@pytest.fixture(scope="module")
def with_key(receiving):
    with locked(receiving.library, api_key=KEY) as http:
        yield http


@pytest.fixture(scope="module")
def with_user(receiving):
    with locked(receiving.library, user="harbour", password=PASSWORD, api_key=KEY) as http:
        yield http


@pytest.fixture(scope="module")
def with_limits(receiving):
    with locked(receiving.library, upload_limit_mb=1, uploads_per_minute=5) as http:
        yield http


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "pagelens.example", ""])
def test_other_machines_are_not_let_in_without_a_key(host):
    with pytest.raises(MissingCredentials, match="open to other machines"):
        read_credentials(Settings(host=host))
    assert read_credentials(Settings(host=host, api_key=KEY))
    assert read_credentials(Settings(host=host, user="harbour", password=PASSWORD))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_this_machine_needs_no_key(host):
    assert read_credentials(Settings(host=host)) is None


def test_serve_refuses_before_it_makes_a_library(tmp_path):
    ended = run_python(
        "-m", "app", "serve", "--host", "0.0.0.0", "--library", str(tmp_path / "library")
    )
    assert ended.returncode == 8
    assert "PAGELENS_API_KEY" in ended.stderr
    assert not (tmp_path / "library").exists()


def test_a_user_without_a_password_is_a_mistake():
    for settings in ({"user": "harbour"}, {"password": PASSWORD}):
        with pytest.raises(InvalidSetting, match="together"):
            read_credentials(Settings(**settings))


def list_paths(routes, prefix=""):
    """(method, path) of every route, those of mounted applications included."""
    for route in routes:
        if isinstance(route, Mount) and route.routes:
            yield from list_paths(route.routes, prefix + route.path)
        elif hasattr(route, "original_router"):
            # How FastAPI keeps a router that was included.
            yield from list_paths(route.original_router.routes, prefix)
        else:
            for method in getattr(route, "methods", None) or ["GET"]:
                yield method, prefix + route.path


def test_every_route_asks_for_the_key_but_health(receiving, with_key, tmp_path):
    settings = Settings(library=receiving.library.folder, api_key=KEY)
    paths = set(list_paths(build_app(receiving.library, settings, str(tmp_path)).routes))
    known = {path for _, path in paths}
    for some in ("/metrics", "/api/v1/documents", "/api/v1/openapi.json", "/config"):
        assert some in known
    assert {"/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/queue/data"} <= known
    assert "/gradio_api/file={path_or_url:path}" in known
    for method, path in sorted(paths - {("GET", "/health")}):
        for headers in ({}, bearer("wrong")):
            answer = with_key.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)
    assert error_of(with_key.get("/"))["type"] == "AccessDenied"
    assert with_key.get("/health").json() == {"status": "ok"}


def test_a_browser_is_told_to_ask_for_a_password(with_key):
    assert with_key.get("/").headers["www-authenticate"].startswith("Basic realm=")


def test_the_key_opens_the_api_and_as_a_password_the_page(with_key):
    assert with_key.get("/api/v1/status", headers=bearer(KEY)).status_code == 200
    for user in ("", "anybody"):
        page = with_key.get("/", auth=(user, KEY))
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
    assert with_key.get("/", auth=("anybody", KEY + "x")).status_code == 401


def test_user_and_password_open_both_and_neither_alone_does(with_user):
    for path in ("/", "/api/v1/status", "/metrics"):
        assert with_user.get(path, auth=("harbour", PASSWORD)).status_code == 200
    for pair in (("harbour", ""), ("", PASSWORD), ("Harbour", PASSWORD), ("harbour", KEY)):
        assert with_user.get("/", auth=pair).status_code == 401
    assert with_user.get("/", headers=bearer(KEY)).status_code == 200
    assert with_user.get("/", headers=bearer(PASSWORD.encode().hex())).status_code == 401


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic /w==", "Digest x", KEY, "Bearer"])
def test_what_is_no_credential_opens_nothing(with_key, header):
    assert with_key.get("/", headers={"authorization": header}).status_code == 401


def test_no_secret_stands_in_a_log_line_or_a_message(with_user, caplog):
    wrong = "wrong-key-that-was-typed"
    with caplog.at_level(logging.DEBUG):
        for headers in (bearer(KEY), bearer(wrong)):
            with_user.get("/api/v1/status", headers=headers)
        for auth in (("harbour", PASSWORD), ("harbour", wrong)):
            answer = with_user.get("/api/v1/nothing", auth=auth)
            assert wrong not in answer.text
    # The server logs at its most talkative.
    assert "uvicorn" in caplog.text
    settings = Settings(user="harbour", password=PASSWORD, api_key=KEY)
    with pytest.raises(InvalidSetting) as refused:
        load_settings(api_key=f"{KEY} with a space")
    for said in (caplog.text, repr(settings), str(refused.value)):
        for secret in (KEY, PASSWORD, wrong):
            assert secret not in said


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": OTHER_SITE},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:1"},
    ],
    ids=str,
)
def test_what_another_site_makes_a_browser_send_is_refused(receiving, with_key, headers):
    files = {"files": ("a.pdf", b"x")}
    jobs = receiving.http.get("/api/v1/jobs").json()["total"]
    for answer in (
        receiving.http.post("/api/v1/documents", files=files, headers=headers),
        receiving.http.post("/gradio_api/queue/join", json={}, headers=headers),
        receiving.http.delete(f"/api/v1/documents/{'0' * 64}", headers=headers),
        # As a picture of the other site's page would be asked for.
        receiving.http.get("/api/v1/backup", headers=headers),
        receiving.http.get("/api/v1/status", headers=headers),
        # A browser sends the password along, whoever made it ask.
        with_key.post("/api/v1/documents", files=files, headers=headers, auth=("", KEY)),
    ):
        assert answer.status_code == 403
        assert error_of(answer)["type"] == "ForeignRequest"
    assert receiving.http.get("/api/v1/jobs").json()["total"] == jobs


def test_a_link_of_another_site_may_be_followed_but_not_to_a_backup(receiving):
    followed = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    for path in ("/", "/api/v1/status"):
        assert receiving.http.get(path, headers=followed).status_code == 200
    assert receiving.http.get("/api/v1/backup", headers=followed).status_code == 403


def test_the_page_itself_may_send(receiving):
    own = str(receiving.http.base_url).rstrip("/")
    for headers in ({"origin": own}, {"sec-fetch-site": "same-origin", "origin": own}):
        answer = receiving.http.post("/api/v1/search", json={"question": "a"}, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1.other.example:80", "[::", ""])
def test_a_site_that_points_its_name_to_this_machine_is_refused(receiving, host):
    for path in ("/", "/api/v1/documents", "/gradio_api/info"):
        answer = receiving.http.get(path, headers={"host": host})
        assert answer.status_code in (400, 403)
    assert receiving.http.get("/ready", headers={"host": "localhost:80"}).status_code == 200


def test_no_other_origin_is_allowed_to_read(receiving):
    for path in ("/", "/config", "/api/v1/documents", "/health"):
        answer = receiving.http.get(path, headers={"origin": "http://localhost:3000"})
        assert "access-control-allow-origin" not in answer.headers
        asks = {"origin": OTHER_SITE, "access-control-request-method": "POST"}
        answer = receiving.http.options(path, headers=asks)
        assert answer.status_code == 400
        assert "access-control-allow-origin" not in answer.headers


def test_every_answer_tells_browsers_what_it_may_not_be_taken_for(receiving):
    for path in ("/", "/config", "/health", "/api/v1/documents", "/api/v1/nothing", "/metrics"):
        headers = receiving.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_only_files_of_the_library_are_served(receiving):
    database = receiving.library.folder / "pagelens.sqlite"
    assert database.exists()
    for path in (
        f"/gradio_api/file={database}",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=https://other.example/",
        "/gradio_api/file=HTTP://other.example/",
        "/gradio_api/file%3Dhttps://other.example/",
        "/gradio_api/proxy=https://other.hf.space/",
        "/static/../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/documents/..%2f..%2fpagelens.sqlite/original",
    ):
        answer = receiving.http.get(path)
        assert answer.status_code in (400, 403, 404, 422), path
        assert b"root:" not in answer.content
        assert b"SQLite format" not in answer.content


@pytest.mark.parametrize(
    "picture", ["../../../etc/passwd", f"{'0' * 64}/../../../etc/passwd", f"{'0' * 64}/.."]
)
def test_a_file_of_this_machine_is_not_taken_for_an_upload(receiving, picture):
    """The page's search by an uploaded picture, asked for by whoever writes its event himself."""
    config = receiving.http.get("/config").json()
    search = next(d for d in config["dependencies"] if [t[1] for t in d["targets"]] == ["search"])
    asked = {
        "data": [],
        "fn_index": search["id"],
        "session_hash": "test",
        "event_data": {"address": f"picture={quote(picture, safe='/')}", "n": 1},
    }
    answer = receiving.http.post("/gradio_api/run/predict", json=asked)
    assert answer.status_code == 200
    assert "root:" not in answer.text
    assert "Like" not in answer.text


def test_an_upload_that_says_it_is_too_large_is_refused_before_it_is_read(with_limits):
    answer = with_limits.post("/api/v1/documents", files={"files": ("a.pdf", bytes(1_200_000))})
    assert answer.status_code == 413
    assert "1,000,000" in error_of(answer)["message"]


def test_an_upload_that_grows_too_large_is_cut_off_and_leaves_nothing(receiving, with_limits):
    def pour():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
        for _ in range(15):
            yield bytes(100_000)
        yield b"\r\n--x--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=x"}
    before = set(receiving.library.upload_folder.iterdir())
    answer = with_limits.post("/api/v1/documents", content=pour(), headers=headers)
    assert answer.status_code == 413
    assert error_of(answer)["type"] == "UploadTooLarge"
    assert set(receiving.library.upload_folder.iterdir()) == before


def test_a_question_as_large_as_a_file_is_refused(receiving):
    def pour():
        yield b'{"question": "'
        for _ in range(25):
            yield b"a" * 100_000
        yield b'"}'

    headers = {"content-type": "application/json"}
    for content in (pour(), b"".join(pour())):
        answer = receiving.http.post("/api/v1/search", content=content, headers=headers)
        assert answer.status_code == 413
        assert error_of(answer)["type"] == "UploadTooLarge"


def test_who_uploads_too_often_is_told_when_to_come_again(receiving):
    with locked(receiving.library, uploads_per_minute=3) as http:
        paths = ("/api/v1/documents", "/api/v1/search/image", "/gradio_api/upload")
        for path in paths:
            assert http.post(path, content=b"").status_code != 429
        for path in (*paths, "/api/v1/documents/"):
            answer = http.post(path, content=b"")
            assert answer.status_code == 429
            assert error_of(answer)["type"] == "TooManyUploads"
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert http.get("/api/v1/documents").status_code == 200


def test_an_upload_of_the_page_is_limited_too(with_limits):
    def pour():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
        for _ in range(15):
            yield bytes(100_000)
        yield b"\r\n--x--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = with_limits.post("/gradio_api/upload", content=pour(), headers=headers)
    assert answer.status_code == 413
