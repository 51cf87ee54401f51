"""Builds, once, the Collector that is measured against: OTLP in, ClickHouse out."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.cache import cached

__all__ = ["COLLECTOR_VERSION", "BuildError", "clickhouse_collector"]

COLLECTOR_VERSION = "0.149.0"
_RECIPE = Path(__file__).with_name("collector-builder.yaml")
_BUILDER = f"go.opentelemetry.io/collector/cmd/builder@v{COLLECTOR_VERSION}"
_USUAL_GO = "/usr/local/go/bin"  # where go.dev's archive is unpacked, and often not on the path
_BUILD_SECONDS = 3600


class BuildError(RuntimeError):
    """The Collector cannot be built here; says why in a sentence."""


def clickhouse_collector() -> Path:
    """Return the Collector's binary, built with Go at its first use (up to ten minutes on two cores).

    Raises:
        BuildError: Without Go, or when the build fails.
    """
    recipe = _RECIPE.read_bytes() + _BUILDER.encode()
    return cached(f"otelcol-clickhouse-{hashlib.sha256(recipe).hexdigest()[:16]}", _build) / "otelcol"


def _build(directory: Path) -> None:
    path = os.environ.get("PATH", "") + os.pathsep + _USUAL_GO
    go = shutil.which("go", path=path)
    if go is None:
        raise BuildError("There is no go on the path to build a Collector with.")
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
        work = Path(scratch)
        _run([go, "install", _BUILDER], work, {"GOBIN": scratch, "PATH": path})
        # The builder writes where it runs, as its file's output_path says.
        _run([str(work / "builder"), f"--config={_RECIPE}"], work, {"PATH": path})
        (work / "collector" / "otelcol").rename(directory / "otelcol")


def _run(command: Sequence[str], directory: Path, env: Mapping[str, str]) -> None:
    try:
        subprocess.run(
            ["nice", "-n", "19", *command],  # noqa: S607 - the one on the path
            check=True,
            cwd=directory,
            env=os.environ | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BUILD_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise BuildError(f"{command[0]} failed: {error.stdout[-2000:].strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{command[0]} did not end within {_BUILD_SECONDS} s.") from error
