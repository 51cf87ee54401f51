"""``python -m build_support``: build the explorer's page of a checkout again."""

from __future__ import annotations

import sys
from pathlib import Path

from build_support.explorer import ExplorerError, build_page

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Build the page; return 1 if it cannot be built."""
    explorer = ROOT / "server" / "explorer"
    try:
        build_page(explorer / "web", with_tools=True)
    except ExplorerError as error:
        sys.stderr.write(f"the explorer cannot be built: {error}\n")
        return 1
    (explorer / "static" / "not-built.txt").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
