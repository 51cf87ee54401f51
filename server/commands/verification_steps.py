"""Parts of a request to verify, for the commands that make one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lognotary.v1 import evidence_pb2
from server.commands.output import complain
from server.data_dir.acknowledgements import read_acknowledgements
from server.data_dir.kept_notes import read_checkpoints
from server.data_dir.public_key import read_own_public_keys
from server.data_dir.seen_logs import read_seen_notes
from server.keys.keyring import tenant_stores
from server.keys.store import KeyStore
from server.notary.acknowledgement import acknowledgement_keys, open_acknowledgement
from server.notary.errors import NotaryError
from server.notary.trust import TrustedKeys, check_checkpoint, parse_public_keys, read_public_pem
from server.settings.errors import ConfigError

__all__ = ["add_what_server_knows"]


def add_what_server_knows(request: evidence_pb2.VerifyRequest, directory: Path) -> TrustedKeys:
    """Add what a server's data directory has: checkpoints, acknowledgements, and the keys if none is given.

    Returns:
        The operator's marks of compromised keys, without a key.

    Raises:
        DataDirectoryError, KeyStoreError: it cannot be read.
        ConfigError: a public key is none.
    """
    if not request.public_keys:
        request.public_keys.extend(read_own_public_keys(directory))
    request.checkpoints.extend(read_checkpoints(directory))
    request.acknowledgements.extend(_usable(read_acknowledgements(directory), request))
    request.checkpoints.extend(note for note in read_seen_notes(directory) if _is_trusted(note, request))
    stores = [KeyStore(directory / "keys"), *tenant_stores(directory / "keys", (), KeyStore).values()]
    return TrustedKeys(compromised={key: since for store in stores for key, since in store.compromised().items()})


def _is_trusted(note: str, request: evidence_pb2.VerifyRequest) -> bool:
    """Return whether a checkpoint is signed by a given key: those of other writers need not be given."""
    try:
        keys = parse_public_keys(request.public_keys)
    except NotaryError as error:
        raise ConfigError(str(error)) from error
    try:
        check_checkpoint(note, keys)
    except NotaryError:
        return False
    return True


def _usable(notes: Iterable[str], request: evidence_pb2.VerifyRequest) -> Iterator[str]:
    """Yield the acknowledgements that a given key signed; of the others, say that they are not used."""
    try:
        keys = acknowledgement_keys(parse_public_keys(request.public_keys))
        keys += [read_public_pem(text) for text in request.acknowledgement_keys]
    except NotaryError as error:
        raise ConfigError(str(error)) from error
    for note in notes:
        try:
            open_acknowledgement(note, keys)
        except NotaryError as error:
            complain(f"warning: an acknowledgement in the data directory is not used: {error}")
        else:
            yield note
