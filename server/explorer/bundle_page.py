"""Evidence bundles as one HTML file, which shows the record and checks itself in a browser without a network.

The page is built from ``web/bundle/`` into ``static/bundle.html``. The files of a bundle take the place of ``null`` in
its element ``<script type="application/json" id="bundle">``: a JSON object with the path of each file and its content
in base64, one file per line. ``lognotary check`` reads them from there (docs/writing-a-verifier.md).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from importlib.resources import files as files_of
from importlib.resources.abc import Traversable

from server.errors.base import LognotaryError

__all__ = ["ExplorerNotBuiltError", "bundle_page", "bundle_template"]

_EMPTY = b'<script type="application/json" id="bundle">null</script>'
_BEGIN, _END = _EMPTY.split(b"null")

# JSON may have these characters of a name only in quotes, and none of them can end the element when escaped.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


class ExplorerNotBuiltError(LognotaryError):
    """This installation does not have the pages of the explorer; the message says how to get them."""


def bundle_template(static: Traversable | None = None) -> bytes:
    """Read the page without a bundle.

    Args:
        static: directory of the built pages; None for the directory of this package.

    Raises:
        ExplorerNotBuiltError: the page was not built, or cannot be read.
    """
    try:
        return (static or files_of(__package__) / "static").joinpath("bundle.html").read_bytes()
    except OSError as error:
        raise ExplorerNotBuiltError(
            "this installation cannot write bundles as HTML, because it was built without the explorer: write a zip "
            "file, install Lognotary from a wheel, or build the explorer in the checkout with "
            "'npm ci --ignore-scripts && node build.mjs' in server/explorer/web"
        ) from error


def bundle_page(template: bytes, files: Mapping[str, bytes]) -> bytes:
    """Put a bundle into the page. The same bundle and template give the same bytes.

    Args:
        template: the page without a bundle, from ``bundle_template``.
        files: path within the bundle -> content.

    Returns:
        The HTML file.

    Raises:
        ExplorerNotBuiltError: the template has no place for a bundle, or several.
    """
    if template.count(_EMPTY) != 1:
        raise ExplorerNotBuiltError(
            "static/bundle.html of the explorer has no place for a bundle: build the explorer again, with "
            "'node build.mjs' in server/explorer/web"
        )
    lines = (f"{json.dumps(name)}: {json.dumps(base64.b64encode(files[name]).decode())}" for name in sorted(files))
    content = "{\n" + ",\n".join(lines).translate(_ESCAPES) + "\n}"
    return template.replace(_EMPTY, _BEGIN + content.encode() + _END)
