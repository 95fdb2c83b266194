"""The doors: who may ask, from where, how much, and what browsers may do with the answers.

They stand before every route, those of the web page's own framework included.
"""

from __future__ import annotations

import base64
import ipaddress
import math
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.bodies import MAX_JSON_BYTES
from app.api.errors import answer_error
from app.settings import Settings
from retrieval.errors import (
    AccessDenied,
    ForeignRequest,
    InvalidSetting,
    MissingCredentials,
    PagelensError,
    ReadOnlyLibrary,
    TooManyUploads,
    UploadTooLarge,
)

HEALTH = "/health"
API = "/api/"
# Where assistants ask `pagelens mcp`.
MCP = "/mcp"
# What is written into the library's folder before it is sent.
ARCHIVES = ("/api/v1/backup", "/api/v1/questions/export")

# Where files come in: the API's routes, and that of the web page's framework.
UPLOAD_PATHS = ("/api/v1/documents", "/api/v1/search/image", "/gradio_api/upload")

# What asks and changes nothing, though it is sent as what does.
ASKING_PATHS = ("/api/v1/search", "/api/v1/search/image", "/api/v1/ask")

# Routes of the web page's framework that fetch what lies elsewhere; the page needs none of them.
FETCHING_PATH = re.compile(r"/(gradio_api/)?(proxy=|file=\s*[a-z][a-z0-9+.-]*:)", re.IGNORECASE)

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
}
# No answer of the API is a page: whatever a browser is made to see in it can load and run nothing.
API_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# But for reports, which bring their look and their pictures along.
REPORTS = "/api/v1/comparisons/"
REPORT_CONTENT_POLICY = f"{API_CONTENT_POLICY}; style-src 'unsafe-inline'; img-src data:"

WEBSOCKET_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request must bear one of: the API key, or the user with the password.

    Attributes:
        api_key: as a bearer token; where there is no user, as the password of any user, too.
        user: with a password.
    """

    api_key: SecretStr | None
    user: str | None
    password: SecretStr | None

    def admit(self, authorization: str) -> bool:
        """Whether the header of a request opens the door; takes as long for any wrong one."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self.api_key is not None and _is_same(value.strip(), self.api_key)
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return False
        if self.user is not None and self.password is not None:
            is_user = _is_same(user, SecretStr(self.user))
            return _is_same(password, self.password) and is_user
        return self.api_key is not None and _is_same(password, self.api_key)


def _is_same(given: str, secret: SecretStr) -> bool:
    return secrets.compare_digest(given.encode(), secret.get_secret_value().encode())


def read_credentials(settings: Settings) -> Credentials | None:
    """What opens the doors; None where they stand open to this machine.

    Raises:
        InvalidSetting: there is a user without a password, or a password without a user.
        MissingCredentials: other machines could ask, and no door would be locked.
    """
    if (settings.user is None) != (settings.password is None):
        raise InvalidSetting("PAGELENS_USER and PAGELENS_PASSWORD are set together, or neither")
    if settings.api_key is None and settings.user is None:
        if not is_loopback(settings.host):
            raise MissingCredentials(
                f"{settings.host} is open to other machines, and there is no API key and no user"
            )
        return None
    return Credentials(settings.api_key, settings.user, settings.password)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine alone."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Doors:
    """Refuses what may not pass, before any route has read it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Stands before an application.

        Raises:
            InvalidSetting, MissingCredentials: as `read_credentials`.
        """
        self._app = app
        self._credentials = read_credentials(settings)
        self._is_read_only = settings.read_only
        self._max_body_bytes = settings.upload_limit_bytes
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._upload_rate = RateLimitItemPerMinute(settings.uploads_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers with the reason why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            if scope["path"] != HEALTH:
                self._check(scope, Headers(scope=scope))
        except PagelensError as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": WEBSOCKET_POLICY_VIOLATION})
            else:
                await answer_error(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if self._credentials is None:
            check_host(headers)
        elif not self._credentials.admit(headers.get("authorization", "")):
            raise AccessDenied("the request bears no valid key, nor a user with the password")
        if FETCHING_PATH.search(scope["path"]):
            raise ForeignRequest("only files of the library are served")
        is_safe = scope.get("method") in SAFE_METHODS
        # An image of another site's page may stand for an archive, which costs time and disk.
        reads = scope.get("method") in ("GET", "HEAD") and scope["path"].startswith((API, MCP))
        if not is_safe or (reads and not is_followed_link(scope, headers)):
            check_origin(headers)
        if self._is_read_only and is_change(scope):
            raise ReadOnlyLibrary
        if not is_safe:
            self._check_size(scope["path"], headers)
            if scope["path"].rstrip("/") in UPLOAD_PATHS:
                self._check_rate(scope)

    def _check_size(self, path: str, headers: Headers) -> None:
        """Refuses by what a request says of itself; the application counts what comes in."""
        is_json = path.startswith((API, MCP)) and path not in UPLOAD_PATHS
        limit_bytes = min(self._max_body_bytes, MAX_JSON_BYTES) if is_json else self._max_body_bytes
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit_bytes:
            raise UploadTooLarge(
                f"the request has {int(length):,} bytes, and this server takes {limit_bytes:,}"
            )

    def _check_rate(self, scope: Scope) -> None:
        address, _ = scope.get("client") or ("unknown", 0)
        if not self._limiter.hit(self._upload_rate, address):
            reset_at, _ = self._limiter.get_window_stats(self._upload_rate, address)
            wait_s = max(1, math.ceil(reset_at - time.time()))
            raise TooManyUploads(
                f"more than {self._upload_rate.amount} uploads a minute from {address}", wait_s
            )


def check_host(headers: Headers) -> None:
    """Refuses a request for another host's name: a web site that had it point to this machine.

    Raises:
        ForeignRequest: the name is not one of this machine's own.
    """
    host = headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if not is_loopback(name):
        raise ForeignRequest(f"this server is not called {host!r}: ask for 127.0.0.1")


def check_origin(headers: Headers) -> None:
    """Refuses what a page of another web site makes a browser send.

    Programs other than browsers name no origin, and pass.

    Raises:
        ForeignRequest: the request comes from another origin.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_own = site in ("same-origin", "none")
    else:
        origin = headers.get("origin")
        is_own = origin is None or origin.partition("://")[2] == headers.get("host")
    if not is_own:
        raise ForeignRequest("requests from other web sites are refused")


def is_change(scope: Scope) -> bool:
    """Whether a request to the API would change the library, or fill its disk with an archive."""
    path = scope["path"].rstrip("/")
    is_asked = scope.get("method") in SAFE_METHODS or path in ASKING_PATHS
    return path.startswith(API) and (not is_asked or path in ARCHIVES)


def is_followed_link(scope: Scope, headers: Headers) -> bool:
    """Whether somebody goes from another site's page to what is shown here, not to an archive."""
    is_page = headers.get("sec-fetch-mode") == "navigate"
    return (
        is_page
        and headers.get("sec-fetch-dest") == "document"
        and scope["path"].rstrip("/") not in ARCHIVES
    )


class SecurityHeaders:
    """Tells browsers how to treat every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers to whatever is answered."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                if scope["path"].startswith(REPORTS):
                    headers["Content-Security-Policy"] = REPORT_CONTENT_POLICY
                elif scope["path"].startswith(API):
                    headers["Content-Security-Policy"] = API_CONTENT_POLICY
            await send(message)

        await self._app(scope, receive, send_with_headers)
