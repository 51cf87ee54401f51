"""Proofs as text: what is written is read back, all else is malformed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import MemoryLog, audit_record, signer_of
from server.notary.errors import MalformedError
from server.notary.tlog_proof import TlogProof, parse_tlog_proof

CHECKPOINT = str(MemoryLog([audit_record(0)]).checkpoint(1, signer_of(1)))
HASH = base64.b64encode(bytes(range(32))).decode()
# As in the example of C2SP tlog-proof, whose own checkpoint is abridged.
SPEC_HEAD = """\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

"""


def test_the_example_of_the_specification_is_read_and_written_back() -> None:
    proof = parse_tlog_proof(SPEC_HEAD + CHECKPOINT)
    assert proof.index == 73894
    assert proof.extra is not None
    assert proof.extra.startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert len(proof.path) == 5
    assert proof.checkpoint == CHECKPOINT
    assert str(proof) == SPEC_HEAD + CHECKPOINT


def test_a_proof_in_a_log_of_one_entry_has_no_hashes() -> None:
    text = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{CHECKPOINT}"
    assert str(TlogProof(0, (), CHECKPOINT)) == text
    assert parse_tlog_proof(text) == TlogProof(0, (), CHECKPOINT)


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.one_of(st.none(), st.binary(min_size=1, max_size=100)),
)
def test_a_proof_is_read_back_as_it_was_written(index: int, path: list[bytes], extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(path), CHECKPOINT, extra)
    assert parse_tlog_proof(str(proof)) == proof


@pytest.mark.parametrize(
    "head",
    [
        "",
        "\n\n",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\n\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\n",
        "\nc2sp.org/tlog-proof@v1\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nindex\n\n",
        "c2sp.org/tlog-proof@v1\nindex \n\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\n",
        "c2sp.org/tlog-proof@v1\nindex 01\n\n",
        "c2sp.org/tlog-proof@v1\nindex -1\n\n",
        "c2sp.org/tlog-proof@v1\nindex +1\n\n",
        "c2sp.org/tlog-proof@v1\nindex 1 \n\n",
        "c2sp.org/tlog-proof@v1\nindex \u0661\n\n",
        f"c2sp.org/tlog-proof@v1\nindex {2**63}\n\n",
        f"c2sp.org/tlog-proof@v1\nindex {'9' * 5000}\n\n",
        "c2sp.org/tlog-proof@v1\nextra AAAA\n\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra é\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\n",
        f"c2sp.org/tlog-proof@v1\n{HASH}\nindex 0\n\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-1]}\n\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-2]}9=\n\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n {HASH}\n\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{base64.b64encode(bytes(31)).decode()}\n\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{base64.b64encode(bytes(33)).decode()}\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + 64 * f"{HASH}\n" + "\n",
    ],
)
def test_what_is_no_proof_is_malformed(head: str) -> None:
    with pytest.raises(MalformedError):
        parse_tlog_proof(head + CHECKPOINT)


@pytest.mark.parametrize("checkpoint", ["", "\n", CHECKPOINT[:-1], f"\n{CHECKPOINT}", "text\n\n— name AAAAAAAA\n"])
def test_a_proof_with_something_else_than_a_checkpoint_is_malformed(checkpoint: str) -> None:
    with pytest.raises(MalformedError):
        parse_tlog_proof(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{checkpoint}")


@pytest.mark.parametrize(
    ("index", "path", "extra"),
    [(-1, (), None), (2**63, (), None), (0, (bytes(31),), None), (0, 64 * (bytes(32),), None), (0, (), b"")],
)
def test_a_proof_that_could_not_be_read_back_is_not_made(
    index: int, path: tuple[bytes, ...], extra: bytes | None
) -> None:
    with pytest.raises(MalformedError):
        TlogProof(index, path, CHECKPOINT, extra)


_parts = st.sampled_from(["c2sp.org/tlog-proof@v1", "index 0", "extra AAAA", HASH, "", CHECKPOINT])


@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(_parts, st.text(max_size=9)), max_size=6).map("\n".join)))
def test_arbitrary_text_is_read_back_or_malformed_but_nothing_else(text: str) -> None:
    try:
        proof = parse_tlog_proof(text)
    except MalformedError:
        return
    assert str(proof) == text
