"""Text files that mail programs, editors or shells have saved again, with other bytes.

A signature covers a text, so a file with this text is as good as the file that was written, whatever byte order mark or
line endings a program gave it. Only changes that can be undone for certain are undone; the signature shows any other.
"""

from __future__ import annotations

import codecs

__all__ = ["as_written"]


def as_written(content: bytes) -> str:
    """Return the text of a file without a byte order mark, from UTF-8 or UTF-16, with CRLF converted into line feeds.

    CRLF is converted only if all lines end with it.

    Raises:
        UnicodeDecodeError: the content is neither UTF-8 nor UTF-16 with a byte order mark.
    """
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if is_utf_16 else "utf-8-sig")
    lines = text.count("\n")
    return text.replace("\r\n", "\n") if lines and text.count("\r\n") == lines else text
