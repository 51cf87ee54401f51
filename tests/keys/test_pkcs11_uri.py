"""URIs of keys in PKCS #11 tokens."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.keys.pkcs11_uri import Pkcs11Uri
from server.notary.errors import KeyMaterialError


def test_a_uri_is_read_with_everything_in_it() -> None:
    uri = Pkcs11Uri.parse(
        "pkcs11:serial=4a%2F1;token=The%20Token;object=clef%C3%A9;id=%01%ff;type=private"
        "?pin-source=file:///etc/pin&module-path=/usr/lib/t.so"
    )
    assert uri == Pkcs11Uri(
        Path("/usr/lib/t.so"), "The Token", "4a/1", "clefé", b"\x01\xff", pin_file=Path("/etc/pin"), pin_value=""
    )
    assert Pkcs11Uri.parse("pkcs11:token=t;id=%01?module-path=/m&pin-value=a%26b").read_pin() == "a&b"


@pytest.mark.parametrize("source", ["/etc/pin", "file:/etc/pin", "file:///etc/pin", "file:/etc%2Fpin"])
def test_a_pin_source_is_a_file(source: str) -> None:
    uri = Pkcs11Uri.parse(f"pkcs11:token=t;object=o?module-path=/m&pin-source={source}")
    assert uri.pin_file == Path("/etc/pin")


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("", "must begin with"),
        ("PKCS11:token=t", "must begin with"),
        ("pkcs11:", "no token"),
        ("pkcs11:object=o", "no token"),
        ("pkcs11:token=t", "no key"),
        ("pkcs11:token=t;object=o", "no library"),
        ("pkcs11:token=t;object=o?module-path=/m", "pin-source"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-value=1&pin-source=/p", "either"),
        ("pkcs11:token=t;object=o?module-path=m.so&pin-value=1", "absolute"),
        ("pkcs11:token=t;object=o?module-path=/m%00&pin-value=1", "zero byte"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-source=pin", "absolute"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-source=file:pin", "absolute"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-source=file://host/pin", "absolute"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-source=|program", "cannot be a program"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-value=", "empty"),
        ("pkcs11:token=;object=o?module-path=/m&pin-value=1", "empty"),
        ("pkcs11:token=t;token=u;object=o?module-path=/m&pin-value=1", "twice"),
        ("pkcs11:token=t;object=o;type=public?module-path=/m&pin-value=1", "must name a private key"),
        ("pkcs11:token=t;object=o;slot-id=1?module-path=/m&pin-value=1", "with one of"),
        ("pkcs11:token=t;object=o;?module-path=/m&pin-value=1", "with one of"),
        ("pkcs11:token=t;object=o?module-path=/m&pin-value=1&max=2", "with one of"),
        ("pkcs11:token=t;object?module-path=/m&pin-value=1", "with one of"),
        ("pkcs11:token=a b;object=o?module-path=/m&pin-value=1", "%XX"),
        ("pkcs11:token=a/b;object=o?module-path=/m&pin-value=1", "%XX"),
        ("pkcs11:token=%2;object=o?module-path=/m&pin-value=1", "%XX"),
        ("pkcs11:token=%ff;object=o?module-path=/m&pin-value=1", "UTF-8"),
        ("pkcs11:token=é;object=o?module-path=/m&pin-value=1", "%XX"),
    ],
)
def test_what_is_no_usable_uri_says_why(uri: str, why: str) -> None:
    with pytest.raises(KeyMaterialError, match=why):
        Pkcs11Uri.parse(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "pkcs11:token=t;object=o?module-path=/m&pin-value=a&secret",
        "pkcs11:token=t;object=o?module-path=/m&pin-value=secret word",
        "pkcs11:token=t;object=o?module-path=/m&pin-value=secret%ff",
        "pkcs11:token=t;object=o?module-path=/m&pin-value=secret%00",
        "pkcs11:token=t;object=o?module-path=/m&pin-value=secret&pin-value=secret",
        "pkcs11:token=t;object=o?module-path=/m&pin-source=/p&pin-value=secret",
        "pkcs11:token=t?module-path=/m&pin-value=secret",
    ],
)
def test_a_refused_uri_does_not_give_its_pin_away(uri: str) -> None:
    with pytest.raises(KeyMaterialError) as refused:
        Pkcs11Uri.parse(uri)
    error: BaseException | None = refused.value
    while error is not None:
        assert "secret" not in f"{error} {error.args}"
        error = error.__cause__ or error.__context__


_labels = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(_labels, _labels, st.binary(min_size=1, max_size=8), _labels)
def test_every_label_id_and_pin_can_be_written_in_a_uri(token: str, label: str, key_id: bytes, pin: str) -> None:
    def encode(value: bytes) -> str:
        return "".join(f"%{byte:02x}" for byte in value)

    uri = Pkcs11Uri.parse(
        f"pkcs11:token={encode(token.encode())};object={encode(label.encode())};id={encode(key_id)}"
        f"?module-path=/m&pin-value={encode(pin.encode())}"
    )
    assert (uri.token, uri.label, uri.key_id, uri.read_pin()) == (token, label, key_id, pin)


@given(st.text(max_size=40), st.text(st.sampled_from("pkcs11:token=;object?&%0fmodule-path/pin-value"), max_size=60))
def test_arbitrary_text_is_no_uri_and_meets_no_other_error(text: str, part: str) -> None:
    for uri in (text, f"pkcs11:{text}", f"pkcs11:token=t;object=o?module-path=/m&{part}"):
        with contextlib.suppress(KeyMaterialError):
            Pkcs11Uri.parse(uri)
