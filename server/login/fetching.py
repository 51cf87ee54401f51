"""Requests to the OpenID provider; they block, so they are made in a pool."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ProtocolError

from server.login.errors import ProviderError
from server.login.strict_json import read_object
from server.settings.secure_urls import is_safe_url

__all__ = ["Fetcher"]

_PATIENCE = 10.0  # seconds for a whole answer
_LARGEST = 1 << 20  # bytes
_CHUNK = 64 << 10  # bytes


class Fetcher:
    """Client of a provider: JSON over HTTPS, without redirects, limited in size and time; thread-safe."""

    def __init__(
        self,
        ca_file: Path | None = None,
        ca_option: str = "",
        client: tuple[Path, Path] | None = None,
        client_options: str = "",
    ) -> None:
        """Trust the authorities of the system, or those in a PEM file.

        Args:
            ca_file: the PEM file; None for the authorities of the system, or of the variable ``SSL_CERT_FILE``.
            ca_option: what people set to name the file, for messages; empty for nothing.
            client: PEM files of a client certificate and its key; None to show none.
            client_options: what people set to name them, for messages; empty for nothing.
        """
        self._ca_advice = f"; give the CA that issued it with {ca_option}" if ca_option else ""
        self._client_advice = f"; give one with {client_options}" if client_options else ""
        cert_file, key_file = map(str, client) if client else (None, None)
        self._client = PoolManager(
            num_pools=4,
            maxsize=8,
            retries=False,
            timeout=Timeout(connect=3.0, read=_PATIENCE / 2),
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(ca_file) if ca_file else None,
            cert_file=cert_file,
            key_file=key_file,
        )

    def get(self, url: str, bearer: str = "") -> dict[str, Any]:
        """Return the JSON object at a URL.

        Args:
            url: the URL.
            bearer: access token for it; empty for none.

        Raises:
            ProviderError: there is no such answer.
        """
        status, answer = self._request("GET", url, {"Authorization": f"Bearer {bearer}"} if bearer else {}, None)
        if status != 200:
            message = answer.get("message")
            reason = f": {message[:500]}" if isinstance(message, str) and message.isprintable() else ""
            raise ProviderError(f"{_place(url)} answers with status {status}{reason}", status)
        return answer

    def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object that answers a form, also if it is an error (RFC 6749, section 5.2).

        Args:
            url: the URL.
            form: the fields.
            basic: client ID and secret for the header ``Authorization``; None to send none.

        Raises:
            ProviderError: there is no such answer.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic:
            pair = ":".join(map(quote_plus, basic))
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        status, answer = self._request("POST", url, headers, urlencode(form))
        if status != 200 and not isinstance(answer.get("error"), str):
            raise ProviderError(f"{_place(url)} answers with status {status}")
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._client.clear()

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None
    ) -> tuple[int, dict[str, Any]]:
        if not is_safe_url(url):
            raise ProviderError(f"{_place(url)} is not an https:// URL")
        deadline = time.monotonic() + _PATIENCE
        try:
            answer = self._client.request(
                method,
                url,
                body=body,
                headers={"Accept": "application/json", **headers},
                redirect=False,
                preload_content=False,
            )
            try:
                content = b""
                while chunk := answer.read1(_CHUNK, decode_content=False):
                    content += chunk
                    if len(content) > _LARGEST:
                        raise ProviderError(f"{_place(url)} answers with more than {_LARGEST} bytes")
                    if time.monotonic() > deadline:
                        raise ProviderError(f"{_place(url)} takes longer than {_PATIENCE:.0f} s to answer")
            finally:
                answer.close()
        except HTTPError as error:
            raise ProviderError(f"{_place(url)} cannot be reached: {self._reason(url, error)}") from error
        try:
            return answer.status, read_object(content) if content else {}
        except ValueError as error:
            raise ProviderError(f"{_place(url)} answers with status {answer.status}, not in JSON: {error}") from error

    def _reason(self, url: str, error: HTTPError) -> str:
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text and "mismatch" in text:
            return "its certificate is for other names"
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return f"its certificate cannot be verified{self._ca_advice}"
        if "CERTIFICATE_REQUIRED" in text:
            return f"it requires a client certificate{self._client_advice}"
        if "WRONG_VERSION_NUMBER" in text:
            return "it has no TLS, so https:// is wrong, or the port"
        if isinstance(error, ProtocolError) and url.lower().startswith("http://"):
            return "it closed the connection; if it has TLS, give https://"
        if isinstance(error, ProtocolError) or "EOF occurred" in text:  # the alert may come too late to be read
            return f"it closed the connection, as servers do that require a client certificate{self._client_advice}"
        if isinstance(error, NameResolutionError):
            return "there is no such host"
        if isinstance(error, NewConnectionError):
            return "nothing is listening there"
        return type(error).__name__


def _place(url: str) -> str:
    """Return a URL without its query, which may have secrets."""
    return url.partition("?")[0][:200]
