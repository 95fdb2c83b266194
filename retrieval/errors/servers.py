"""What goes wrong between `pagelens serve` and those who ask it."""

from __future__ import annotations

from retrieval.errors.base import PagelensError


class ServerFailed(PagelensError):
    """The web server could not start."""

    exit_code = 8
    remedy = "Choose another --port, or stop the program that uses it."


class MissingCredentials(ServerFailed):
    """The address is open to other machines, and nothing locks it."""

    remedy = "Set PAGELENS_API_KEY, or PAGELENS_USER and PAGELENS_PASSWORD; or serve on 127.0.0.1."


class InvalidRequest(PagelensError):
    """A request to the REST API does not fit what the API takes."""

    exit_code = 2
    remedy = "/api/v1/openapi.json describes every request."


class AccessDenied(PagelensError):
    """A request bears no key or password, or a wrong one."""

    exit_code = 8
    remedy = (
        "Set PAGELENS_API_KEY, or PAGELENS_USER and PAGELENS_PASSWORD, as the server has them; "
        "over HTTP the key is sent as a bearer token."
    )


class ForeignRequest(PagelensError):
    """A request comes from another web site, or asks for what is nobody's to fetch."""


class UploadTooLarge(PagelensError):
    """A request carries more bytes or files than the server takes."""

    exit_code = 2
    remedy = "Upload less at once; PAGELENS_UPLOAD_LIMIT_MB sets the limit where it is served."


class TooManyUploads(PagelensError):
    """One address uploads more often than the server takes.

    Attributes:
        wait_s: when the next upload is taken.
    """

    exit_code = 8
    remedy = "Wait, then upload again; PAGELENS_UPLOADS_PER_MINUTE sets the limit."

    def __init__(self, message: str, wait_s: int = 60) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class ServerUnreachable(PagelensError):
    """No Pagelens server answers at an address, or not as one."""

    exit_code = 8
    remedy = "Check the address, and that `pagelens serve` runs there."


class RequestFailed(PagelensError):
    """A Pagelens server failed at a request, or refused it for a reason that has no class here."""

    exit_code = 8
    remedy = "The log of the server says more."
