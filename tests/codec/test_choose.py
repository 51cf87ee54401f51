"""Which codec is used: the one that was asked for, and the best there is where none was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.lacking import lacking
from server.codec.audit.built_in import built_in_rules
from server.codec.choose import build_codec, chosen_codec, why_not_native
from server.codec.reference import ReferenceCodec
from server.settings.settings import ConfigError, load_settings

REQUEST = b"\x0a\x04\x12\x02\x12\x00"  # one empty record


@pytest.fixture
def not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the compiled codec."""
    import server.codec

    monkeypatch.setitem(sys.modules, "server.codec._native", None)
    monkeypatch.delattr(server.codec, "_native", raising=False)


@pytest.mark.usefixtures("not_built")
def test_without_the_compiled_codec_the_reference_codec_is_used() -> None:
    assert isinstance(build_codec("auto", built_in_rules()), ReferenceCodec)
    assert chosen_codec("auto") == "reference"


@pytest.mark.usefixtures("not_built")
def test_to_force_the_compiled_codec_where_it_is_not_installed_is_an_error_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match=r"--codec: the compiled codec is not installed .* compiler"):
        load_settings({"codec": "native", "data_dir": str(tmp_path)}, {})


@pytest.mark.usefixtures("not_built")
def test_the_reference_codec_can_be_chosen() -> None:
    assert build_codec("reference", built_in_rules()).name == "reference"


def test_a_codec_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'fast' is not auto, native or reference"):
        load_settings({"codec": "fast", "data_dir": str(tmp_path)}, {})


def test_the_compiled_codec_is_used_where_it_is_installed_unless_the_other_is_forced() -> None:
    if why_not_native():
        lacking("the compiled codec is not installed")
    native, reference = build_codec("auto", built_in_rules()), build_codec("reference", built_in_rules())
    assert (native.name, reference.name) == ("native", "reference")
    assert native.encode(REQUEST, 5) == reference.encode(REQUEST, 5)
    assert (chosen_codec("auto"), chosen_codec("reference")) == ("native", "reference")
