"""The witness that tests use, against what C2SP tlog-witness demands of one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from harness.small_http import serving
from harness.witness import CosignerKey, SmallWitness
from server.notary.checkpoint import Checkpoint
from server.notary.note import NoteSignature, SignedNote, parse_note
from server.notary.signers import Signer
from tests.witness.growing_log import ORIGIN, GrowingLog


@pytest.fixture(params=[Ed25519PrivateKey, MLDSA44PrivateKey], ids=["ed25519", "ml-dsa-44"])
def key(request: pytest.FixtureRequest) -> CosignerKey:
    generated: CosignerKey = request.param.generate()
    return generated


@pytest.fixture
def witness(tmp_path: Path, log: GrowingLog, key: CosignerKey) -> SmallWitness:
    return SmallWitness(tmp_path / "state", {log.origin: log.keys}, key=key, clock=lambda: 1679315147.9)


@pytest.fixture
def url(witness: SmallWitness) -> Iterator[str]:
    with serving(witness.respond) as url:
        yield url


def body(old: object, proof: list[bytes], note: object) -> bytes:
    hashes = "".join(base64.b64encode(node).decode() + "\n" for node in proof)
    return f"old {old}\n{hashes}\n{note}".encode()


def post(url: str, content: bytes) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", f"{url}/add-checkpoint", body=content, retries=False)


def cosigned(url: str, log: GrowingLog, old: int, proof: list[bytes]) -> bytes:
    answer = post(url, body(old, proof, log.checkpoint()))
    assert answer.status == 200, answer.data
    return answer.data


NOTE = GrowingLog().grow(5).checkpoint()


class TestCosigning:
    def test_the_first_checkpoint_needs_no_proof(self, url: str, witness: SmallWitness, log: GrowingLog) -> None:
        text = log.checkpoint().text
        note = parse_note(f"{text}\n{cosigned(url, log, 0, []).decode()}")
        assert note.text == text
        assert note.verify([witness.verifier_key]) == [witness.verifier_key]
        assert witness.verifier_key.signed_time(note.signatures[0].signature) == 1679315147

    def test_a_checkpoint_that_goes_on_is_cosigned(self, url: str, witness: SmallWitness, log: GrowingLog) -> None:
        cosigned(url, log, 0, [])
        log.grow(8)
        cosigned(url, log, 5, log.consistency(5, 13))
        assert witness.size(log.origin) == 13

    def test_a_checkpoint_is_cosigned_again(self, url: str, witness: SmallWitness, log: GrowingLog) -> None:
        cosigned(url, log, 0, [])
        cosigned(url, log, 5, [])
        assert witness.size(log.origin) == 5

    def test_signatures_of_unknown_keys_are_ignored(self, url: str, log: GrowingLog) -> None:
        note = log.checkpoint()
        other = Signer.generate().sign(note.text, "example.org/other")
        both = SignedNote(note.text, (*other.signatures, *note.signatures))
        assert post(url, body(0, [], both)).status == 200


class TestRefusing:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"\n\n", id="empty lines"),
            pytest.param(b"old\n\nx", id="no size"),
            pytest.param(body("05", [], NOTE), id="a leading zero"),
            pytest.param(body("-1", [], NOTE), id="a negative size"),
            pytest.param(body(0, [bytes(31)], NOTE), id="a short hash"),
            pytest.param(body(0, [bytes(32)] * 64, NOTE), id="64 hashes"),
            pytest.param(body(0, [], "no note\n"), id="no note"),
            pytest.param(b"old 0\n\n\xff\n", id="no text"),
        ],
    )
    def test_what_is_no_request_is_a_bad_request(self, url: str, content: bytes) -> None:
        assert post(url, content).status == 400

    def test_an_old_size_above_the_checkpoint_s_is_a_bad_request(self, url: str, log: GrowingLog) -> None:
        assert post(url, body(6, [], log.checkpoint())).status == 400

    def test_an_unknown_log_is_not_found(self, url: str) -> None:
        other = GrowingLog("example.org/audit/other").grow(5)
        assert post(url, body(0, [], other.checkpoint())).status == 404

    def test_a_checkpoint_by_an_unknown_key_is_forbidden(self, url: str) -> None:
        assert post(url, body(0, [], GrowingLog(ORIGIN).grow(5).checkpoint())).status == 403

    def test_a_wrong_signature_of_a_known_key_is_forbidden(self, url: str, log: GrowingLog) -> None:
        note = log.checkpoint()
        (right,) = note.signatures
        wrong = NoteSignature(right.name, right.key_id, bytes(64))
        for signatures in ((wrong,), (right, wrong)):
            assert post(url, body(0, [], SignedNote(note.text, signatures))).status == 403

    @pytest.mark.parametrize("old", [0, 4, 6])
    def test_another_old_size_than_its_own_is_a_conflict(self, url: str, log: GrowingLog, old: int) -> None:
        cosigned(url, log, 0, [])
        log.grow(5)
        answer = post(url, body(old, [], log.checkpoint()))
        assert (answer.status, answer.data) == (409, b"5\n")
        assert answer.headers["Content-Type"] == "text/x.tlog.size"

    @pytest.mark.parametrize("wrong", [[], [bytes(32)] * 3])
    def test_a_proof_that_does_not_hold_is_refused(
        self, url: str, witness: SmallWitness, log: GrowingLog, wrong: list[bytes]
    ) -> None:
        cosigned(url, log, 0, [])
        log.grow(5)
        assert post(url, body(5, wrong, log.checkpoint())).status == 422
        assert witness.size(log.origin) == 5

    def test_a_proof_from_nothing_is_refused(self, url: str, log: GrowingLog) -> None:
        assert post(url, body(0, [bytes(32)], log.checkpoint())).status == 422

    def test_another_root_of_the_same_size_is_refused(self, url: str, log: GrowingLog) -> None:
        cosigned(url, log, 0, [])
        other = GrowingLog(log.origin, log.signer, history="other").grow(5)
        assert post(url, body(5, [], other.checkpoint())).status == 422

    def test_an_empty_tree_has_one_root(self, url: str, log: GrowingLog) -> None:
        wrong = log.signer.sign(Checkpoint(log.origin, 0, bytes(32)).text(), log.origin)
        assert post(url, body(0, [], wrong)).status == 422
        right = GrowingLog(log.origin, log.signer).checkpoint()
        assert post(url, body(0, [], right)).status == 200


class TestState:
    def test_the_latest_checkpoint_outlives_a_restart(
        self, tmp_path: Path, url: str, witness: SmallWitness, log: GrowingLog, key: CosignerKey
    ) -> None:
        cosigned(url, log, 0, [])
        again = SmallWitness(tmp_path / "state", {log.origin: log.keys}, key=key)
        assert again.size(log.origin) == 5
        with serving(again.respond) as new_url:
            assert post(new_url, body(0, [], log.checkpoint())).status == 409

    def test_monitors_get_the_latest_checkpoint_with_both_signatures(
        self, url: str, witness: SmallWitness, log: GrowingLog
    ) -> None:
        of_log = f"{url}/{sha256(log.origin.encode()).hexdigest()}/checkpoint"
        assert urllib3.request("GET", of_log, retries=False).status == 404
        cosigned(url, log, 0, [])
        note = parse_note(urllib3.request("GET", of_log, retries=False).data.decode())
        assert note.verify([*log.keys, witness.verifier_key]) == [*log.keys, witness.verifier_key]
