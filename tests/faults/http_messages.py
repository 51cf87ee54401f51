"""HTTP/1.1 messages as bytes, so that a proxy can relay them, or a part of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import unquote_plus

__all__ = ["Message", "read_message"]

_LONGEST_HEAD = 1 << 20  # bytes; statements travel in the request line
_OF_THE_BODY = 1 << 12  # bytes in which a statement that is the body begins


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer.

    Attributes:
        head: start line and headers, up to the empty line.
        body: the body as it was framed, perhaps in chunks.
    """

    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """The bytes as they were received."""
        return self.head + self.body

    @property
    def statement(self) -> str:
        """The request line and the beginning of the body: one of them has the statement of a request to ClickHouse."""
        line = self.head.partition(b"\r\n")[0].decode("latin-1")
        return unquote_plus(line) + "\n" + self.body[:_OF_THE_BODY].decode("latin-1")


async def read_message(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Message | None:
    """Read one message; return None if the connection ends before it begins.

    Args:
        reader: stream of the connection, with a limit of at least 1 MiB.
        bodiless: True for an answer that never has a body, whatever its headers say (RFC 9112, section 6.3).

    Raises:
        asyncio.IncompleteReadError: the connection ends within the message.
        ValueError: the message is not HTTP.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    except asyncio.LimitOverrunError as error:
        raise ValueError(f"a head of more than {_LONGEST_HEAD} bytes") from error
    if bodiless:
        return Message(head, b"")
    headers = _headers(head)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Message(head, await _read_chunks(reader))
    return Message(head, await reader.readexactly(int(headers.get("content-length", "0"))))


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name}


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    read = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        read += line
        size = int(line.partition(b";")[0], 16)
        # With the CRLF after each chunk; after the last the trailers, of which ClickHouse sends none.
        read += await reader.readexactly(size + 2)
        if not size:
            return bytes(read)
