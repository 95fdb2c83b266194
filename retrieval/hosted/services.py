"""The vendors: where each one's service is, which key it takes, and where that key comes from."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from retrieval.errors import InvalidSetting
from retrieval.service_errors import ServiceAccessDenied

# Clients print a header that they cannot send, and with it the key.
KEY = re.compile(r"[!-~]+")

ADDRESS = re.compile(r"https?://[\w.-]+(:\d{1,5})?(/[!-?A-~]*)?")


@dataclass(frozen=True, slots=True)
class Service:
    """A vendor's service.

    Attributes:
        name: the vendor's.
        url: where its paths begin.
        key_variables: environment variables that may hold the key; the first is the one to set.
        url_variable: an environment variable that names another address, which the vendor's own
            client reads, too; empty for none.
        key_header: the header that bears the key.
        key_prefix: what stands before it there.
    """

    name: str
    url: str
    key_variables: tuple[str, ...]
    url_variable: str = ""
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "

    def read_key(self) -> str:
        """The key, from the environment.

        Raises:
            ServiceAccessDenied: no variable holds one, or it is none that can be sent.
        """
        for variable in self.key_variables:
            key = os.environ.get(variable, "").strip()
            if key and not KEY.fullmatch(key):
                raise ServiceAccessDenied(
                    f"{variable} holds no key: visible ASCII characters are expected"
                )
            if key:
                return key
        raise ServiceAccessDenied(f"{self.key_variables[0]} is not set: it holds {self.name}'s key")

    def read_url(self) -> str:
        """The address, from the environment where that names another one.

        Raises:
            InvalidSetting: what is named there is no address of a web server.
        """
        url = os.environ.get(self.url_variable, "").strip() or self.url
        if not ADDRESS.fullmatch(url):
            raise InvalidSetting(
                f"{self.url_variable}: an address such as {self.url} is expected, with no password"
            )
        return url


OPENAI = Service(
    "OpenAI", "https://api.openai.com/v1", ("OPENAI_API_KEY",), url_variable="OPENAI_BASE_URL"
)
COHERE = Service("Cohere", "https://api.cohere.com", ("COHERE_API_KEY", "CO_API_KEY"))
VOYAGE = Service("Voyage AI", "https://api.voyageai.com", ("VOYAGE_API_KEY",))
MISTRAL = Service("Mistral", "https://api.mistral.ai", ("MISTRAL_API_KEY",))
JINA = Service("Jina AI", "https://api.jina.ai", ("JINA_API_KEY",))
GEMINI = Service(
    "Google",
    "https://generativelanguage.googleapis.com",
    ("GEMINI_API_KEY",),
    key_header="x-goog-api-key",
    key_prefix="",
)
