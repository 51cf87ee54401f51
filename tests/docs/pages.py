"""Pages of the documentation, and their commands."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generator = load_generator()


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    """Return what stands on a page under a title, up to the next one of the same level."""
    return page(name).partition(f"\n{title}\n")[2].partition("\n## ")[0]


def run_block(text: str, directory: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one block of commands as a reader would."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=directory,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_commands(part: str, directory: Path, **variables: str) -> list[tuple[str, str, str]]:
    """Run a section's commands; return each block with its output and what the page shows."""
    blocks = FENCE.findall(part)
    results = []
    for number, (language, text) in enumerate(blocks):
        if language != "sh":
            continue
        run = run_block(text, directory, variables)
        assert run.returncode == 0, f"{text}\n{run.stdout}{run.stderr}"
        following = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
        results.append((text, run.stdout, following[1] if following[0] == "text" else ""))
    return results
