"""Programs of the web page's code, run in Node."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import server
from harness.lacking import lacking, require_tools

__all__ = ["WEB", "answers_of"]

WEB = Path(server.__file__).parent / "explorer" / "web"


def answers_of(program: str, questions: Iterable[object]) -> list[Any]:
    """Give each question to a program, as a JSON object a line, and return its answers.

    Args:
        program: path of a file in TypeScript, relative to the folder of the page.
        questions: what can be written as JSON.
    """
    require_tools("node")
    if not (WEB / "node_modules" / "esbuild").exists():
        lacking(f"packages of the web page are not installed: run 'npm ci --ignore-scripts' in {WEB}")
    given = "".join(json.dumps(question) + "\n" for question in questions)
    ran = subprocess.run(
        ["node", "run.mjs", program], cwd=WEB, input=given, capture_output=True, text=True, timeout=500, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.split("\n") if line]
