"""Provenance (SLSA v1) of release files, in a signed envelope (DSSE)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from release.errors import ReleaseError
from release.packages import Package
from release.script_packages import ScriptPackage
from release.source import Source
from server.notary.signers import SigningKey

__all__ = ["make_statement", "open_envelope", "sign_envelope", "subjects"]

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "urn:lognotary:release:v1"


def make_statement(
    files: Mapping[str, str],
    source: Source,
    materials: Sequence[Package],
    scripts: Sequence[ScriptPackage],
    *,
    locked: str,
    command: str,
    builder: str,
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """Return an in-toto statement of how files were made.

    Args:
        files: name of each file -> its SHA-256, in hexadecimal.
        source: the commit that they were built from.
        materials: packages that are installed with the wheel.
        scripts: npm packages that are in the scripts of the wheel.
        locked: SHA-256 of requirements.txt, which pins the tools of the build.
        command: the command that made them.
        builder: URI of who or what built them.
        environment: versions of what the result depends on, such as the compiler.
    """
    commit = {"uri": f"git+{source.repository}@{source.commit}", "digest": {"gitCommit": source.commit}}
    packages = [
        {"uri": f"pkg:pypi/{package.name}@{package.version}", "digest": {"sha256": package.sha256}}
        for package in materials
    ]
    # In a Package URL, the @ of a scope is encoded.
    packages += [
        {
            "uri": f"pkg:npm/{package.name.replace('@', '%40')}@{package.version}",
            "digest": {"sha512": package.sha512},
        }
        for package in scripts
    ]
    return {
        "_type": _STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(files.items())],
        "predicateType": _PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {"source": commit, "command": command},
                "internalParameters": {"environment": dict(environment), "sourceDateEpoch": source.time},
                "resolvedDependencies": [
                    commit,
                    {"name": "requirements.txt", "digest": {"sha256": locked}},
                    *packages,
                ],
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }


def sign_envelope(statement: Mapping[str, Any], key: SigningKey) -> str:
    """Return a statement in an envelope that an Ed25519 key signed."""
    payload = json.dumps(statement, indent=2, sort_keys=True).encode()
    signature = {"sig": base64.b64encode(key.sign(_signed(payload))).decode()}
    envelope = {"payloadType": _PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(), "signatures": [signature]}
    return json.dumps(envelope) + "\n"


def open_envelope(envelope: str, public_key: bytes) -> dict[str, Any]:
    """Return the statement in an envelope.

    Raises:
        ReleaseError: the envelope is malformed, or the key signed it not.
    """
    try:
        opened = json.loads(envelope)
        payload = base64.b64decode(opened["payload"], validate=True)
        signatures = [base64.b64decode(signature["sig"], validate=True) for signature in opened["signatures"]]
        payload_type = opened["payloadType"]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise ReleaseError("the provenance is not a DSSE envelope") from error
    if payload_type != _PAYLOAD_TYPE or not any(_is_by(public_key, signature, payload) for signature in signatures):
        raise ReleaseError("the provenance is not signed by the release key")
    statement: dict[str, Any] = json.loads(payload)
    if (statement.get("_type"), statement.get("predicateType")) != (_STATEMENT_TYPE, _PREDICATE_TYPE):
        raise ReleaseError("the provenance is not a statement of SLSA v1")
    return statement


def subjects(statement: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of each file that a statement is about, with its SHA-256 in hexadecimal."""
    return {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}


def _signed(payload: bytes) -> bytes:
    """Return what a signature of an envelope is over (DSSE, "PAE")."""
    return b"DSSEv1 %d %b %d %b" % (len(_PAYLOAD_TYPE), _PAYLOAD_TYPE.encode(), len(payload), payload)


def _is_by(public_key: bytes, signature: bytes, payload: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _signed(payload))
    except InvalidSignature:
        return False
    return True
