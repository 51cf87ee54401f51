"""Programs and libraries of others that check evidence."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from tests.interop.served_log import Consistency, Inclusion

__all__ = ["Checker", "GoChecker", "RefusedError", "RustChecker"]

_SECONDS = 60.0


class RefusedError(Exception):
    """The evidence does not hold; has the checker's reason."""


class Checker(Protocol):
    """Checks evidence that a log's keys have signed."""

    def check_checkpoint(self, verifier_keys: Sequence[str], checkpoint: str) -> None:
        """Raise RefusedError where it does not hold; so do the others."""

    def check_inclusion(self, evidence: Inclusion) -> None: ...

    def check_consistency(self, evidence: Consistency) -> None: ...


@dataclass(frozen=True, slots=True)
class GoChecker:
    """The program in ``tlogcheck``: golang.org/x/mod/sumdb and filippo.io/torchwood. It wants all keys' signatures."""

    program: Path

    def ask(self, command: str, **request: Any) -> Mapping[str, Any]:
        """Return the program's answer. What it cannot tell is an error of the test."""
        done = subprocess.run(
            [str(self.program), command],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        if done.returncode:
            raise RefusedError(done.stderr.strip())
        return dict(json.loads(done.stdout) or {})

    def check_checkpoint(self, verifier_keys: Sequence[str], checkpoint: str) -> None:
        self.ask("checkpoint", verifier_keys=list(verifier_keys), checkpoint=checkpoint)

    def check_inclusion(self, evidence: Inclusion) -> None:
        record = base64.b64encode(evidence.record).decode()
        self.ask("inclusion", verifier_keys=list(evidence.verifier_keys), record=record, proof=evidence.tlog_proof)

    def check_consistency(self, evidence: Consistency) -> None:
        self.ask(
            "consistency",
            verifier_keys=list(evidence.verifier_keys),
            earlier=evidence.earlier,
            checkpoint=evidence.checkpoint,
            path=[base64.b64encode(each).decode() for each in evidence.path],
        )


@dataclass(frozen=True, slots=True)
class RustChecker:
    """The package metamorphic-log, which is written in Rust. Of our keys it knows those of Ed25519."""

    library: ModuleType

    def check_checkpoint(self, verifier_keys: Sequence[str], checkpoint: str) -> None:
        self._check("checkpoint_verify", checkpoint, verifier_keys[:1])

    def check_inclusion(self, evidence: Inclusion) -> None:
        leaf = sha256(b"\0" + sha256(evidence.record).digest()).digest()
        keys, path = evidence.verifier_keys[:1], list(evidence.path)
        self._check("checkpoint_verify_inclusion", evidence.checkpoint, keys, evidence.index, leaf, path)

    def check_consistency(self, evidence: Consistency) -> None:
        keys, path = evidence.verifier_keys[:1], list(evidence.path)
        self._check("checkpoint_verify_consistency", evidence.earlier, evidence.checkpoint, keys, path)

    def _check(self, function: str, *arguments: Any) -> None:
        try:
            getattr(self.library, function)(*arguments)
        except self.library.VerifyError as error:
            raise RefusedError(str(error)) from error
