"""Build of the explorer's page, from ``server/explorer/web/`` into ``server/explorer/static/``.

Third-party code comes from the npm registry, by a lock file with integrity hashes. npm runs no scripts of packages, but
the build runs esbuild, a program from there, with the rights of whoever builds. If the page cannot be built, the
installation succeeds: the server runs without it, and says so.

The variable ``BUILD_EXPLORER`` decides: ``required`` fails if the page cannot be built, ``no`` leaves it out.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from build_support.node import OLDEST, find_node, node_requirements

__all__ = ["SWITCH", "ExplorerError", "build_page", "explorer_requirements", "is_installed", "page_sources"]

SWITCH = "BUILD_EXPLORER"
_SECONDS = 900  # for a slow network
_INHERITED = ("PATH", "HOME", "TMPDIR")  # variables that both programs need
_OF_NPM = (  # of a network with a proxy, a mirror, or a certificate authority of its own
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("NODE_EXTRA_CA_CERTS", "npm_config_registry", "npm_config_cache", "npm_config_cafile"),
)
_NPM = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retry-maxtimeout=10000")


class ExplorerError(Exception):
    """The page cannot be built."""


def explorer_requirements() -> list[str]:
    """Return what the build of the page needs from PyPI on this machine."""
    return [] if os.environ.get(SWITCH) == "no" else node_requirements()


def page_sources(web: Path) -> list[Path]:
    """Return the sources of the page: all files but those that were installed or generated."""
    files = (file for file in web.rglob("*") if file.is_file())
    return sorted(file for file in files if "node_modules" not in file.parts and file.name != "schema.d.ts")


def build_page(web: Path, *, with_tools: bool, afresh: bool = False) -> None:
    """Build the page.

    Args:
        web: directory of the page's sources.
        with_tools: True to install what checks and tests the sources, too.
        afresh: True to install packages again, and so compare them with their hashes, even if they seem to be there.

    Raises:
        ExplorerError: the page cannot be built; the message says why.
    """
    node = find_node()
    if node is None:
        raise ExplorerError(f"Node.js {'.'.join(map(str, OLDEST))} or newer with npm is missing")
    if afresh or not is_installed(web, with_tools=with_tools):
        _run([*node.npm, *_NPM, *([] if with_tools else ["--omit=dev"])], web, (*_INHERITED, *_OF_NPM))
    _run([node.program, "build.mjs"], web, _INHERITED)


def is_installed(web: Path, *, with_tools: bool) -> bool:
    """Return whether ``node_modules`` has what the lock file names.

    Args:
        web: directory of the page's sources.
        with_tools: True if what checks and tests the sources belongs to it.
    """
    try:
        # npm writes down what it installed only when that is complete.
        installed = _packages(web / "node_modules" / ".package-lock.json")
    except (OSError, ValueError, LookupError, TypeError):
        return False
    for place, wanted in _packages(web / "package-lock.json").items():
        is_needed = place and not wanted.get("optional") and (with_tools or not wanted.get("dev"))
        if is_needed and _identity(installed.get(place, {})) != _identity(wanted):
            return False
    return True


def _packages(lock: Path) -> dict[str, dict[str, Any]]:
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return packages


def _identity(package: Mapping[str, Any]) -> tuple[object, object]:
    return package.get("version"), package.get("integrity")


def _run(command: list[str], web: Path, variables: Sequence[str]) -> None:
    """Run a program with these variables of the environment only: others may have secrets, or options for Node.js."""
    environment = {name: os.environ[name] for name in variables if name in os.environ}
    try:
        done = subprocess.run(
            command,
            cwd=web,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ExplorerError(f"{Path(command[0]).name} cannot be run: {error}") from error
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        name = " ".join(Path(part).name for part in command[:2])
        raise ExplorerError(f"'{name}' failed: {' '.join(said[:4])[:600]}")
