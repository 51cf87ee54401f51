"""Timestamps by a real authority (``openssl ts``): obtained, checked by us and by openssl, and everything refused."""

from __future__ import annotations

import contextlib
import datetime
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.x509 import Certificate
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import decode_timestamp_response

from harness.free_port import free_port
from harness.small_http import Answer, Request, serving
from harness.timestamp_authority import TimestampAuthority as SmallAuthority
from server.notary.errors import MalformedError, VerificationError
from server.witness.der_order import sort_certificates
from server.witness.errors import (
    AnswerError,
    PackageMissingError,
    RootsError,
    UnavailableError,
    WitnessError,
    WitnessRefusedError,
)
from server.witness.settings import TimestampAuthority
from server.witness.timestamps import Timestamp, TimestampClient, check_timestamp, load_roots
from tests.witness.growing_log import GrowingLog

TEXT = GrowingLog().grow(5).checkpoint().text
OTHER = GrowingLog().grow(6).checkpoint().text
PATIENCE = 60.0  # seconds, for what comes at once


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> SmallAuthority:
    return SmallAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def roots(authority: SmallAuthority) -> list[Certificate]:
    return load_roots(authority.roots)


@pytest.fixture(scope="module")
def stamp(authority: SmallAuthority) -> Timestamp:
    with serving(authority.respond) as url:
        return TimestampClient(TimestampAuthority(url, authority.roots), PATIENCE).stamp(TEXT)


@pytest.fixture(scope="module")
def other_roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SmallAuthority(tmp_path_factory.mktemp("other")).roots


class TestStamping:
    def test_it_says_when_the_checkpoint_was_there(self, stamp: Timestamp) -> None:
        assert abs(datetime.datetime.now(datetime.UTC) - stamp.time) < datetime.timedelta(minutes=10)

    def test_openssl_verifies_what_is_kept(self, authority: SmallAuthority, stamp: Timestamp) -> None:
        assert "Verification: OK" in authority.verify(stamp.der, TEXT.encode())
        assert "Verification: FAILED" in authority.verify(stamp.der, OTHER.encode())

    def test_without_roots_it_is_kept_for_others_to_check(self, authority: SmallAuthority) -> None:
        with serving(authority.respond) as url:
            stamp = TimestampClient(TimestampAuthority(url), PATIENCE).stamp(TEXT)
        assert "Verification: OK" in authority.verify(stamp.der, TEXT.encode())


def _replay(authority: SmallAuthority) -> Callable[[Request], Answer]:
    first: list[Answer] = []

    def respond(request: Request) -> Answer:
        first.append(authority.respond(request))
        return first[0]

    return respond


class TestStrangeAnswers:
    @pytest.mark.parametrize("with_roots", [True, False])
    def test_the_answer_to_another_request_is_not_believed(
        self, authority: SmallAuthority, *, with_roots: bool
    ) -> None:
        with serving(_replay(authority)) as url:
            client = TimestampClient(TimestampAuthority(url, authority.roots if with_roots else None), PATIENCE)
            client.stamp(TEXT)
            with pytest.raises(AnswerError, match="a different request"):
                client.stamp(TEXT)
            with pytest.raises(AnswerError, match="not for this checkpoint"):
                client.stamp(OTHER)

    def test_an_authority_under_other_roots_is_not_believed(self, authority: SmallAuthority, other_roots: Path) -> None:
        with serving(authority.respond) as url, pytest.raises(AnswerError, match="signature is invalid"):
            TimestampClient(TimestampAuthority(url, other_roots), PATIENCE).stamp(TEXT)

    def test_a_refusal_is_told_with_its_reason(self, tmp_path: Path) -> None:
        with serving(SmallAuthority(tmp_path, digest="sha512").respond) as url:
            client = TimestampClient(TimestampAuthority(url), PATIENCE)
            with pytest.raises(WitnessRefusedError, match="digest algorithm is not supported"):
                client.stamp(TEXT)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (Answer(200), AnswerError),
            (Answer(200, b"<html>"), AnswerError),
            (Answer(200, bytes(1 << 20)), AnswerError),
            (Answer(302, headers={"Location": "/elsewhere"}), AnswerError),
            (Answer(404), AnswerError),
            (Answer(429), UnavailableError),
            (Answer(503), UnavailableError),
        ],
    )
    def test_each_is_an_error_of_its_kind(self, answer: Answer, error: type[WitnessError]) -> None:
        with serving(lambda _: answer) as url, pytest.raises(WitnessError) as caught:
            TimestampClient(TimestampAuthority(url), PATIENCE).stamp(TEXT)
        assert type(caught.value) is error

    def test_an_authority_that_is_down_is_unavailable(self) -> None:
        with pytest.raises(UnavailableError):
            TimestampClient(TimestampAuthority(f"http://127.0.0.1:{free_port()}"), PATIENCE).stamp(TEXT)


class TestChecking:
    def test_a_stored_timestamp_gives_its_time(self, stamp: Timestamp, roots: list[Certificate]) -> None:
        assert check_timestamp(stamp.der, TEXT, roots) == stamp.time

    def test_several_roots_may_be_given(self, stamp: Timestamp, roots: list[Certificate], other_roots: Path) -> None:
        assert check_timestamp(stamp.der, TEXT, [*load_roots(other_roots), *roots]) == stamp.time

    def test_it_is_of_one_checkpoint(self, stamp: Timestamp, roots: list[Certificate]) -> None:
        with pytest.raises(VerificationError, match="not for this checkpoint"):
            check_timestamp(stamp.der, OTHER, roots)

    def test_other_roots_do_not_do(self, stamp: Timestamp, other_roots: Path) -> None:
        with pytest.raises(VerificationError, match="signature is invalid"):
            check_timestamp(stamp.der, TEXT, load_roots(other_roots))

    def test_nothing_is_believed_without_roots(self, stamp: Timestamp) -> None:
        with pytest.raises(VerificationError, match="without a root"):
            check_timestamp(stamp.der, TEXT, [])

    @pytest.mark.parametrize("der", [b"", b"0\x00", b"\x30\x80", b"no timestamp"])
    def test_what_is_no_timestamp_is_malformed(self, der: bytes, roots: list[Certificate]) -> None:
        with pytest.raises(MalformedError):
            check_timestamp(der, TEXT, roots)

    @given(data=st.data())
    def test_an_altered_timestamp_gives_a_verification_error_or_the_same_time(
        self, data: st.DataObject, stamp: Timestamp, roots: list[Certificate]
    ) -> None:
        at = data.draw(st.integers(0, len(stamp.der) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "drop", "add"]))
        flipped = bytes([stamp.der[at] ^ 1 << data.draw(st.integers(0, 7))])
        altered = {
            "flip": stamp.der[:at] + flipped + stamp.der[at + 1 :],
            "cut": stamp.der[:at],
            "drop": stamp.der[:at] + stamp.der[at + 1 :],
            "add": stamp.der[:at] + flipped + stamp.der[at:],
        }[how]
        with contextlib.suppress(VerificationError):
            # Some bytes around the signed part may change without changing what is said.
            assert check_timestamp(altered, TEXT, roots) == stamp.time


class TestOrder:
    def test_certificates_in_openssl_s_order_are_sorted(self, stamp: Timestamp) -> None:
        with pytest.raises(ValueError, match="InvalidSetOrdering"):
            decode_timestamp_response(stamp.der)
        ordered = sort_certificates(stamp.der)
        decode_timestamp_response(ordered)
        assert sorted(ordered) == sorted(stamp.der)
        assert sort_certificates(ordered) == ordered

    @given(st.binary() | st.binary().map(lambda data: b"\x30" + bytes([len(data) % 128]) + data))
    def test_bytes_of_any_kind_come_through(self, data: bytes) -> None:
        assert sorted(sort_certificates(data)) == sorted(data)


class TestSetUp:
    @pytest.mark.parametrize(
        "content", [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
    )
    def test_roots_that_cannot_be_read_are_told(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "roots.pem"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(RootsError, match=r"roots\.pem"):
            TimestampClient(TimestampAuthority("http://tsa.example", path), PATIENCE)

    @pytest.fixture
    def without_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "rfc3161_client", None)

    @pytest.mark.usefixtures("without_package")
    def test_without_the_package_it_is_said_what_to_install(self, stamp: Timestamp, roots: list[Certificate]) -> None:
        with pytest.raises(PackageMissingError, match=r"pip install 'lognotary\[timestamps\]'"):
            TimestampClient(TimestampAuthority("http://tsa.example"), PATIENCE)
        with pytest.raises(PackageMissingError):
            check_timestamp(stamp.der, TEXT, roots)
