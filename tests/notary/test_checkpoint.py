"""Checkpoints and the names of logs: what is written is read back, all else is malformed."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.checkpoint import Checkpoint, described, open_checkpoint, sign_checkpoint
from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer

ROOT = base64.b64encode(bytes(range(32))).decode()

_names = st.text("abcXYZ019._-", min_size=1, max_size=8)
_log_names = st.builds(LogName, st.lists(_names, min_size=1, max_size=3).map("/".join), st.sampled_from(Stream), _names)


def test_a_checkpoint_is_origin_size_and_root_one_a_line() -> None:
    assert Checkpoint("example.org/log", 7, bytes(range(32))).text() == f"example.org/log\n7\n{ROOT}\n"


@given(_log_names, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_back_as_it_was_signed(name: LogName, size: int, root: bytes) -> None:
    signer = Signer.generate()
    checkpoint = Checkpoint(name.origin, size, root)
    opened, note = open_checkpoint(str(sign_checkpoint(checkpoint, signer)))
    assert opened == checkpoint
    assert note.verify([signer.verifier_key(name.origin)])


def test_messages_name_a_checkpoint_by_its_log_and_size() -> None:
    assert described(Checkpoint("shop/audit/a", 21, bytes(32))) == "the checkpoint of shop/audit/a after 21 entries"


def test_extension_lines_are_ignored() -> None:
    assert Checkpoint.parse(f"log\n7\n{ROOT}\nextension\nanother\n") == Checkpoint("log", 7, bytes(range(32)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n",
        "log\n7\n",
        f"log\n7\n{ROOT}",
        f"\n7\n{ROOT}\n",
        f"log\n\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"log\n+1\n{ROOT}\n",
        f"log\n07\n{ROOT}\n",
        f"log\n 7\n{ROOT}\n",
        f"log\n7_0\n{ROOT}\n",
        f"log\n0x7\n{ROOT}\n",
        f"log\n\u0667\n{ROOT}\n",
        f"log\n\u00b2\n{ROOT}\n",
        f"log\n{2**63}\n{ROOT}\n",
        f"log\n{'9' * 5000}\n{ROOT}\n",
        "log\n7\nno base64\n",
        "log\n7\né\n",
        "log\n7\n\n",
        f"log\n7\n{base64.b64encode(bytes(31)).decode()}\n",
        f"log\n7\n{base64.b64encode(bytes(33)).decode()}\n",
        f"a name with spaces\n7\n{ROOT}\n",
        f"a+name\n7\n{ROOT}\n",
    ],
)
def test_what_is_no_checkpoint_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        Checkpoint.parse(text)


@given(st.lists(st.one_of(st.text(max_size=20), st.just(ROOT), st.integers().map(str)), max_size=5).map("\n".join))
def test_arbitrary_text_is_a_checkpoint_or_malformed_but_nothing_else(text: str) -> None:
    try:
        checkpoint = Checkpoint.parse(text)
    except MalformedError:
        return
    assert text.split("\n")[:2] == [checkpoint.origin, str(checkpoint.size)]
    assert len(checkpoint.root) == 32


@given(_log_names)
def test_an_origin_is_read_back_as_the_name_it_was_made_of(name: LogName) -> None:
    assert LogName.parse(name.origin) == name


def test_an_origin_is_deployment_stream_and_writer_and_its_id_a_digest_of_it() -> None:
    name = LogName("example.org/eu", Stream.OPERATIONAL, "node-1")
    assert name.origin == "example.org/eu/operational/node-1"
    assert name.log_id == sha256(b"example.org/eu/operational/node-1").hexdigest()[:16]


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "audit",
        "audit/writer",
        "/audit/writer",
        "shop/audit/",
        "shop/metrics/writer",
        "shop/AUDIT/writer",
        "shop//audit/writer",
        "sh op/audit/writer",
        "shop+/audit/writer",
        "shop/audit/wri ter",
        "shop/audit/writer\n",
        "shöp/audit/writer",
    ],
)
def test_what_is_no_origin_is_malformed(origin: str) -> None:
    with pytest.raises(MalformedError):
        LogName.parse(origin)


@pytest.mark.parametrize(("deployment", "writer"), [("shop", "a/b"), ("", "w"), ("shop", ""), ("/shop", "w")])
def test_a_name_that_would_not_be_read_back_cannot_be_made(deployment: str, writer: str) -> None:
    with pytest.raises(MalformedError):
        LogName(deployment, Stream.AUDIT, writer)
