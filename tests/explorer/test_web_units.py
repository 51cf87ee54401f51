"""The explorer's own unit tests, which Node.js runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from build_support.node import find_node
from harness.lacking import lacking

WEB = Path(__file__).parents[2] / "server" / "explorer" / "web"


def test_the_unit_tests_of_the_page_pass() -> None:
    node = find_node()
    if node is None or not (WEB / "node_modules").is_dir():
        lacking("Node.js 20.19 or newer with npm, or what 'make explorer' installs with it")
    done = subprocess.run([node.program, "test.mjs"], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail 0" in done.stdout
