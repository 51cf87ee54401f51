"""Build of the Collector used for comparison: OTLP in, ClickHouse out."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from harness.cache import cached
from harness.collector_binaries import CollectorUnavailableError, run_build_step

__all__ = ["COLLECTOR_VERSION", "clickhouse_collector"]

COLLECTOR_VERSION = "0.149.0"
_RECIPE = Path(__file__).with_name("collector-builder.yaml")
_BUILDER = f"go.opentelemetry.io/collector/cmd/builder@v{COLLECTOR_VERSION}"
_USUAL_GO = "/usr/local/go/bin"  # where go.dev's archive is unpacked, and often not on the path
_BUILD_SECONDS = 3600


def clickhouse_collector() -> Path:
    """Return the Collector's binary, built with Go at its first use (up to ten minutes on two cores).

    Raises:
        CollectorUnavailableError: Go is missing, or the build fails.
    """
    recipe = _RECIPE.read_bytes() + _BUILDER.encode()
    return cached(f"otelcol-clickhouse-{hashlib.sha256(recipe).hexdigest()[:16]}", _build) / "otelcol"


def _build(directory: Path) -> None:
    path = os.environ.get("PATH", "") + os.pathsep + _USUAL_GO
    go = shutil.which("go", path=path)
    if go is None:
        raise CollectorUnavailableError("There is no go on the path to build a Collector with.")
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
        work = Path(scratch)
        run_build_step([go, "install", _BUILDER], cwd=work, env={"GOBIN": scratch, "PATH": path}, within=_BUILD_SECONDS)
        # The builder writes where it runs, as its file's output_path says.
        run_build_step(
            [str(work / "builder"), f"--config={_RECIPE}"], cwd=work, env={"PATH": path}, within=_BUILD_SECONDS
        )
        (work / "collector" / "otelcol").rename(directory / "otelcol")
