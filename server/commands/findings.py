"""``lognotary findings``: list findings, and acknowledge those that are known."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import grpc

from lognotary.v1 import evidence_pb2, evidence_pb2_grpc
from server.api.errors import ApiError
from server.commands.api_client import call, to_json
from server.commands.arguments.findings import FLAGS, SHORTEST
from server.commands.given_files import GivenFiles, read_acknowledgement_keys, read_public_keys
from server.commands.local import data_dir
from server.commands.output import Style, complain, say, say_json
from server.commands.render import finding_lines
from server.commands.sources import prepare_to_ask_server
from server.commands.verdict import summary_lines
from server.commands.verification_steps import add_what_server_knows
from server.data_dir.acknowledgements import keep_acknowledgement
from server.escaping.visible import visible
from server.keys.identity import key_store
from server.keys.key_files import read_private_key
from server.notary.acknowledgement import KEY_NAME, Acknowledgement, sign_acknowledgement
from server.notary.errors import NotaryError
from server.notary.keys import KeyType, VerifierKey
from server.notary.signers import Ed25519Key, SigningKey
from server.notary.trust import fingerprint
from server.settings.errors import ConfigError
from server.settings.settings import Settings, load_settings

__all__ = ["acknowledge", "list_findings"]

_LONGEST_ABOUT = 1000  # characters of a message


def list_findings(options: argparse.Namespace) -> int:
    """Run ``findings list``."""
    if not options.storage:
        prepare_to_ask_server(options, takes_keys=True)
    steps = _verified(options)
    if isinstance(steps, int):
        return steps
    style = Style.of(sys.stdout, utc=options.utc)
    findings = [step.finding for step in steps if step.HasField("finding")]
    summary = next(step.summary for step in steps if step.HasField("summary"))
    if options.json:
        say_json(json.dumps([json.loads(to_json(finding)) for finding in findings], indent=2))
    else:
        for finding in findings:
            say(*finding_lines(finding, style))
        say(*summary_lines(summary, style))
    return 1 if summary.findings > summary.acknowledged or summary.nothing_verified else 0


def acknowledge(options: argparse.Namespace) -> int:
    """Run ``findings acknowledge``."""
    if bool(options.finding) == options.all:
        raise ConfigError("give the identities of findings, or --all: 'lognotary findings list' shows them")
    settings = load_settings({name: getattr(options, name) for name in FLAGS}, os.environ)
    key = _key(options, settings)
    steps = _verified(options)
    if isinstance(steps, int):
        return steps
    findings = [step.finding for step in steps if step.HasField("finding")]
    chosen = _chosen(options, findings)
    if not chosen:
        complain("there is no such finding: 'lognotary findings list' shows those that there are")
        return 1
    made = []
    for finding, count in chosen:
        try:
            about = visible(finding.message, _LONGEST_ABOUT)
            kind = evidence_pb2.FindingKind.Name(finding.kind)
            known = Acknowledgement(finding.id, count, int(time.time()), kind, about, options.reason)
            note = str(sign_acknowledgement(known, key))
        except NotaryError as error:
            raise ConfigError(f"the acknowledgement cannot be signed: {error}") from error
        made.append((finding, note))
    directory = Path(options.output) if options.output else settings.data_dir
    for finding, note in made:
        file = keep_acknowledgement(directory, finding.id, note, beside=not options.output)
        say(f"acknowledged {visible(finding.message)}", f"    {file}, signed by {fingerprint(key.public_key)}")
    return 0


def _chosen(
    options: argparse.Namespace, findings: Iterable[evidence_pb2.Finding]
) -> list[tuple[evidence_pb2.Finding, int]]:
    """Return the findings to acknowledge, each once, with the number of those that are the same."""
    counts = Counter(finding.id for finding in findings)
    by_id = {finding.id: finding for finding in findings}
    if options.all:
        new = {finding.id for finding in findings if not finding.HasField("acknowledgement")}
        return [(finding, counts[name]) for name, finding in by_id.items() if name in new]
    chosen = []
    for prefix in options.finding:
        if len(prefix) < SHORTEST:
            raise ConfigError(f"{prefix} is too short: give {SHORTEST} digits of the identity, or more")
        matching = [name for name in by_id if name.startswith(prefix.lower())]
        if len(matching) > 1:
            raise ConfigError(f"{prefix} is the beginning of {len(matching)} findings: give more digits")
        if not matching:
            return []
        chosen.append((by_id[matching[0]], counts[matching[0]]))
    return chosen


def _key(options: argparse.Namespace, settings: Settings) -> SigningKey:
    """Return the key to sign with; never makes one.

    Raises:
        KeyStoreError: the key cannot be used.
        ConfigError: there is no key.
    """
    if options.key:
        return read_private_key(Path(options.key), Ed25519Key)
    store = key_store(settings)
    stored = store.keys()
    for key in stored:
        if key.current and key.algorithm == KeyType.ED25519.algorithm:
            return store.signer_of([VerifierKey(KEY_NAME, key.public_key)]).ed25519
    raise ConfigError(
        f"there is no signing key in {settings.data_dir}: give the server's --data-dir, or a key with --key"
    )


def _verified(options: argparse.Namespace) -> list[evidence_pb2.VerifyResponse] | int:
    """Return the steps of a verification; an exit status if it failed."""
    given = GivenFiles()
    request = evidence_pb2.VerifyRequest(
        public_keys=read_public_keys(options.public_key),
        acknowledgements=given.read_acknowledgements(options.acknowledgements),
        acknowledgement_keys=read_acknowledgement_keys(options.acknowledgement_key),
    )
    if options.storage:
        from server.commands.stored import open_backend

        directory = data_dir(options)
        own = add_what_server_knows(request, directory) if directory else None
        with open_backend(options.storage, own) as backend:
            try:
                return list(_steps(backend.verify(request)))
            except ApiError as error:
                raise ConfigError(given.name(str(error))) from error
    steps: list[evidence_pb2.VerifyResponse] = []

    def work(channel: grpc.Channel) -> int:
        steps.extend(_steps(evidence_pb2_grpc.EvidenceServiceStub(channel).Verify(request)))
        return 0

    return call(options.api, work, explain=given.name) or steps


def _steps(steps: Iterable[evidence_pb2.VerifyResponse]) -> Iterator[evidence_pb2.VerifyResponse]:
    return (step for step in steps if step.WhichOneof("step") in ("finding", "summary"))
