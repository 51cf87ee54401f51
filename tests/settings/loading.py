"""Settings of a test: a file in its directory, variables and flags."""

from __future__ import annotations

from pathlib import Path

from server.settings.settings import Settings, load_settings


def load(tmp_path: Path, toml: str | None = None, environ: dict[str, str] | None = None, **flags: str) -> Settings:
    if toml is not None:
        (tmp_path / "settings.toml").write_text(toml)
        flags["config"] = str(tmp_path / "settings.toml")
    return load_settings(flags, environ or {})
