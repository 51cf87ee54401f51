"""The witness client against a real witness, and against services that answer what they must not."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from harness.free_port import free_port
from harness.small_http import Answer, Request, serving
from harness.witness import SmallWitness
from server.notary.note import NoteSignature
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.witnessing import Cosignature
from server.witness.client import WitnessClient, WitnessSize
from server.witness.errors import AnswerError, OtherHistoryError, UnavailableError, WitnessError, WitnessRefusedError
from server.witness.settings import Witness
from tests.witness.growing_log import GrowingLog

PATIENCE = 60.0  # seconds, for what comes at once


@pytest.fixture
def witness(tmp_path: Path, log: GrowingLog) -> SmallWitness:
    return SmallWitness(tmp_path / "state", {log.origin: log.keys})


@pytest.fixture
def client(witness: SmallWitness) -> Iterator[WitnessClient]:
    with serving(witness.respond) as url:
        yield WitnessClient(Witness(url, witness.verifier_key), PATIENCE)


class TestProtocol:
    def test_a_checkpoint_is_cosigned(self, client: WitnessClient, witness: SmallWitness, log: GrowingLog) -> None:
        cosignature = client.add_checkpoint(log.checkpoint(), 0, [])
        assert isinstance(cosignature, Cosignature)
        assert cosignature.key == witness.verifier_key

    def test_the_proof_goes_with_it(self, client: WitnessClient, witness: SmallWitness, log: GrowingLog) -> None:
        client.add_checkpoint(log.checkpoint(), 0, [])
        log.grow(300)
        assert isinstance(client.add_checkpoint(log.checkpoint(), 5, log.consistency(5, 305)), Cosignature)
        assert witness.size(log.origin) == 305

    def test_another_old_size_is_answered_with_the_witness_s(self, client: WitnessClient, log: GrowingLog) -> None:
        client.add_checkpoint(log.checkpoint(), 0, [])
        assert client.add_checkpoint(log.grow(1).checkpoint(), 0, []) == WitnessSize(5)

    def test_ml_dsa_44_works_on_both_sides(self, tmp_path: Path) -> None:
        log = GrowingLog(signer=Signer(Ed25519Key.generate(), MlDsa44Key.generate())).grow(3)
        witness = SmallWitness(tmp_path / "state", {log.origin: log.keys}, key=MLDSA44PrivateKey.generate())
        with serving(witness.respond) as url:
            client = WitnessClient(Witness(url, witness.verifier_key), PATIENCE)
            assert isinstance(client.add_checkpoint(log.checkpoint(), 0, []), Cosignature)

    def test_a_rewritten_log_is_another_history(self, client: WitnessClient, log: GrowingLog) -> None:
        client.add_checkpoint(log.checkpoint(), 0, [])
        other = GrowingLog(log.origin, log.signer, history="other").grow(9)
        with pytest.raises(OtherHistoryError, match="inconsistent with"):
            client.add_checkpoint(other.checkpoint(), 5, other.consistency(5, 9))

    def test_an_unknown_log_and_an_unknown_key_are_refused(self, client: WitnessClient, log: GrowingLog) -> None:
        with pytest.raises(WitnessRefusedError, match="does not know the log"):
            client.add_checkpoint(GrowingLog("example.org/audit/b").grow(1).checkpoint(), 0, [])
        with pytest.raises(WitnessRefusedError, match="signature"):
            client.add_checkpoint(GrowingLog(log.origin).grow(1).checkpoint(), 0, [])

    def test_requests_are_made_as_specified(self, log: GrowingLog, witness: SmallWitness) -> None:
        requests: list[Request] = []

        def respond(request: Request) -> Answer:
            requests.append(request)
            return witness.respond(request)

        with serving(respond) as url:
            client = WitnessClient(Witness(url, witness.verifier_key), PATIENCE)
            client.add_checkpoint(log.checkpoint(), 0, [])
        assert [(request.method, request.path) for request in requests] == [("POST", "/add-checkpoint")]
        assert requests[0].body == f"old 0\n\n{log.checkpoint()}".encode()


def ask(url: str, log: GrowingLog, witness: SmallWitness, timeout: float = PATIENCE) -> object:
    return WitnessClient(Witness(url, witness.verifier_key), timeout).add_checkpoint(log.checkpoint(), 0, [])


class TestStrangeAnswers:
    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (Answer(200, b"ok\n"), AnswerError),
            (Answer(200, b"\xff"), AnswerError),
            (Answer(200), AnswerError),
            (Answer(204), AnswerError),
            (Answer(400, b"bad \x1b[31m\n"), AnswerError),
            (Answer(403), WitnessRefusedError),
            (Answer(404), WitnessRefusedError),
            (Answer(409, b"5\n"), AnswerError),
            (Answer(409, b"five\n", "text/x.tlog.size"), AnswerError),
            (Answer(422), OtherHistoryError),
            (Answer(429), UnavailableError),
            (Answer(500), UnavailableError),
            (Answer(503), UnavailableError),
        ],
    )
    def test_each_is_an_error_of_its_kind(
        self, answer: Answer, error: type[WitnessError], log: GrowingLog, witness: SmallWitness
    ) -> None:
        with serving(lambda _: answer) as url, pytest.raises(WitnessError) as caught:
            ask(url, log, witness)
        assert type(caught.value) is error
        assert str(caught.value).isprintable()

    def test_the_type_of_a_size_may_have_parameters(self, log: GrowingLog, witness: SmallWitness) -> None:
        with serving(lambda _: Answer(409, b"7\n", "Text/X.tlog.size; charset=utf-8")) as url:
            assert ask(url, log, witness) == WitnessSize(7)

    def test_a_wrong_signature_is_not_believed(self, log: GrowingLog, witness: SmallWitness) -> None:
        key = witness.verifier_key
        wrong = NoteSignature(key.name, key.key_id, (1).to_bytes(8, "big") + bytes(64)).line().encode()
        with serving(lambda _: Answer(200, wrong)) as url, pytest.raises(AnswerError, match="is wrong"):
            ask(url, log, witness)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirects_are_not_followed(self, status: int, log: GrowingLog, witness: SmallWitness) -> None:
        reached: list[Request] = []

        def reach(request: Request) -> Answer:
            reached.append(request)
            return Answer(200)

        with serving(reach) as elsewhere:
            redirect = Answer(status, headers={"Location": f"{elsewhere}/add-checkpoint"})
            with serving(lambda _: redirect) as url, pytest.raises(AnswerError, match="another URL"):
                ask(url, log, witness)
        assert reached == []

    def test_a_huge_answer_is_not_read(self, log: GrowingLog, witness: SmallWitness) -> None:
        with serving(lambda _: Answer(200, bytes(1 << 22))) as url, pytest.raises(AnswerError, match="longer"):
            ask(url, log, witness)

    def test_an_answer_without_an_end_is_not_read(self, log: GrowingLog, witness: SmallWitness) -> None:
        endless = Answer(200, stream=lambda: itertools.repeat(bytes(1000)))
        with serving(lambda _: endless) as url, pytest.raises(AnswerError, match="longer"):
            ask(url, log, witness)

    def test_an_answer_that_drips_is_given_up(self, log: GrowingLog, witness: SmallWitness) -> None:
        never = threading.Event()

        def drip() -> Iterator[bytes]:
            while not never.wait(0.05):
                yield b"x"

        dripping = Answer(200, stream=drip)
        with serving(lambda _: dripping) as url, pytest.raises(UnavailableError, match="did not finish its answer"):
            ask(url, log, witness, timeout=0.5)

    def test_a_compressed_answer_is_not_inflated(self, log: GrowingLog, witness: SmallWitness) -> None:
        gzipped = Answer(200, b"\x1f\x8b" + bytes(20), headers={"Content-Encoding": "gzip"})
        with serving(lambda _: gzipped) as url, pytest.raises(AnswerError):
            ask(url, log, witness)

    def test_an_answer_cut_short_is_none(self, log: GrowingLog, witness: SmallWitness) -> None:
        cut = Answer(200, b"", headers={"Content-Length": "100", "Connection": "close"})
        with serving(lambda _: cut) as url, pytest.raises(UnavailableError, match="did not answer"):
            ask(url, log, witness)


class TestNoAnswer:
    def test_a_witness_that_is_down_is_unavailable(self, log: GrowingLog, witness: SmallWitness) -> None:
        with pytest.raises(UnavailableError, match="did not answer"):
            ask(f"http://127.0.0.1:{free_port()}", log, witness)

    def test_a_host_that_is_not_there_is_unavailable(self, log: GrowingLog, witness: SmallWitness) -> None:
        with pytest.raises(UnavailableError, match="did not answer"):
            ask("http://witness.invalid", log, witness)

    def test_a_witness_that_hangs_is_given_up(self, log: GrowingLog, witness: SmallWitness) -> None:
        released = threading.Event()
        with serving(lambda _: Answer(200 if released.wait() else 500)) as url:
            with pytest.raises(UnavailableError, match="did not answer"):
                ask(url, log, witness, timeout=0.2)
            released.set()

    def test_what_is_no_http_is_unavailable(self, log: GrowingLog, witness: SmallWitness) -> None:
        with serving(lambda _: Answer(200)) as url, pytest.raises(UnavailableError, match="did not answer"):
            ask(url.replace("http:", "https:"), log, witness)
