"""The built pages of the explorer."""

from __future__ import annotations

from harness.lacking import lacking
from server.explorer.bundle_page import ExplorerNotBuiltError, bundle_template

__all__ = ["require_bundle_page"]


def require_bundle_page() -> bytes:
    """Return the page of evidence bundles; skip (in CI: fail) if the explorer was not built."""
    try:
        return bundle_template()
    except ExplorerNotBuiltError as error:
        lacking(str(error))
