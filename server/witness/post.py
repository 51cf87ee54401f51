"""HTTP POST to an untrusted service: limited in time and size, without redirects."""

from __future__ import annotations

import time
from dataclasses import dataclass

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError

from server.errors.files import reason_of
from server.witness.errors import AnswerError, UnavailableError

__all__ = ["Answer", "HttpService"]

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's HTTP response.

    Attributes:
        status: the HTTP status.
        content_type: the media type, in lower case and without parameters.
        body: the whole body.
    """

    status: int
    content_type: str
    body: bytes


class HttpService:
    """HTTP client for POST requests to one URL. Thread-safe; connections are reused."""

    def __init__(self, url: str, *, timeout: float, max_answer: int) -> None:
        """Create a client without connecting.

        Args:
            url: URL of the service.
            timeout: seconds for connecting, for each wait for bytes, and for reading a body to its end.
            max_answer: maximum size of a response body, in bytes.
        """
        self._url = url
        self._timeout = timeout
        self._max_answer = max_answer
        self._pool = PoolManager(maxsize=4)

    def post(self, body: bytes, content_type: str) -> Answer:
        """Send a body and return the answer, whatever its status. Blocks.

        Raises:
            UnavailableError: there was no complete answer in time.
            AnswerError: the answer is too long.
        """
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=body,
                headers={"Content-Type": content_type},
                timeout=Timeout(connect=self._timeout, read=self._timeout),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                content = self._read(response)
            except BaseException:
                response.close()  # the rest of the answer is not wanted, so the connection is of no use either
                raise
            response.release_conn()
        except (HTTPError, OSError) as error:
            raise UnavailableError(f"{self._url} did not answer: {reason_of(error)}") from error
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Answer(response.status, media_type, content)

    def _read(self, response: BaseHTTPResponse) -> bytes:
        deadline = time.monotonic() + self._timeout
        content = bytearray()
        while chunk := response.read1(_CHUNK, decode_content=False):
            content += chunk
            if len(content) > self._max_answer:
                raise AnswerError(f"the answer from {self._url} is longer than {self._max_answer} bytes")
            if time.monotonic() > deadline:
                raise UnavailableError(f"{self._url} did not finish its answer in time")
        return bytes(content)
