"""Files as programs, mail and archives hand them on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

__all__ = ["JUNK", "crlf", "marked", "utf_16", "utf_16_be", "zipped"]


def crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


def utf_16(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


def utf_16_be(content: bytes) -> bytes:
    return b"\xfe\xff" + content.decode().encode("utf-16-be")


def marked(content: bytes) -> bytes:
    return b"\xef\xbb\xbf" + content


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return archive.getvalue()


JUNK = {"__MACOSX/bundle/._checkpoint": b"\0\5\x16\7", "bundle/.DS_Store": b"x", "bundle/Thumbs.db": b"x"}
"""Metadata files that macOS and Windows add to archives and folders, by path."""
