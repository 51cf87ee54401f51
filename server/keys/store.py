"""The key store of a data directory: the current keys, the replaced keys, and the marks of compromised keys.

signing-key.pem             the Ed25519 private key (mode 0600): whoever has it can sign
ml-dsa-44-key.pem           the ML-DSA-44 private key (mode 0600), if one is wanted
retired/<fingerprint>.pem   replaced private keys: they sign only the statement that others replace them
public-key.pem              the Ed25519 public key, for everyone who verifies
verifier-keys.txt           the public keys as C2SP verifier keys, one for each log
tenants/<tenant>/           the same for a tenant whose logs have a key of their own: see ``keyring``
compromised                 fingerprints of compromised keys, and since when they are compromised
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.data_dir.private_directories import make_private
from server.errors.files import reason_of, unwritable
from server.keys.compromised_keys import read_compromised, write_compromised
from server.keys.key_files import KeyStoreError, read_private_key
from server.keys.known_keys import KnownKeys
from server.keys.lost_keys import PUBLIC_FILE, lost_key, published_key, published_keys, trace_of_key
from server.notary.errors import KeyMaterialError, NotaryError
from server.notary.keys import KeyType, VerifierKey
from server.notary.origin import LogName
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer, SigningKey
from server.notary.trust import TrustedKeys, fingerprint

__all__ = ["KeyStore", "KeyStoreError", "StoredKey"]


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key of the store, as it is listed to users.

    Attributes:
        fingerprint: fingerprint of the public key, which names the key.
        algorithm: ``Ed25519`` or ``ML-DSA-44``.
        place: file of the key, or the URI of its token.
        current: True if the key signs now.
        compromised: time since which others may have the key, in nanoseconds since the epoch; None if it is not
            compromised.
        public_key: raw public key.
        public_file: file of the public key, for whoever verifies; empty if it was not published, or no longer.
    """

    fingerprint: str
    algorithm: str
    place: str
    current: bool
    compromised: int | None
    public_key: bytes
    public_file: str = ""


class KeyStore:
    """The key store below a data directory, which does not have to be open."""

    def __init__(
        self,
        directory: Path,
        *,
        token_uri: str = "",
        former_uris: Sequence[str] = (),
        ml_dsa: bool = False,
        open_token: Callable[[str], SigningKey] | None = None,
    ) -> None:
        """Open a key store.

        Args:
            directory: the ``keys`` directory.
            token_uri: PKCS #11 URI (RFC 7512) of the Ed25519 key, empty if it is in a file.
            former_uris: PKCS #11 URIs of replaced keys that are not in files.
            ml_dsa: also sign with an ML-DSA-44 key.
            open_token: function that opens the key of a PKCS #11 URI.
        """
        self._directory = directory
        self._token_uri = token_uri
        self._former_uris = former_uris
        self._ml_dsa = ml_dsa
        self._open_token = open_token
        self._tokens: dict[str, SigningKey] = {}  # each is opened once, because tokens have few sessions
        self._created: list[Path] = []
        self._used: set[Path] = set()

    def signer(self) -> Signer:
        """Return the current keys; keys in files are created the first time.

        Raises:
            KeyStoreError: a key cannot be used, or is missing although there was one before.
        """
        self._make_directory()
        ed25519 = self._token(self._token_uri) if self._token_uri else self._file(_ED25519_FILE, Ed25519Key)
        return Signer(ed25519, self._file(_ML_DSA_FILE, MlDsa44Key) if self._ml_dsa else None)

    def check_not_lost(self, signed: str) -> None:
        """Check that the Ed25519 key is there, before a new one is made.

        Args:
            signed: what shows that a key signed before, empty if nothing does.

        Raises:
            KeyStoreError: the file of the key is missing, although a key signed before.
        """
        if signed and not self._token_uri and not (self._directory / _ED25519_FILE).exists():
            raise lost_key(self._directory / _ED25519_FILE, signed)

    @property
    def has_created(self) -> bool:
        """True if this object created the Ed25519 key."""
        return self._directory / _ED25519_FILE in self._created

    def discard_created(self) -> None:
        """Remove the keys that this object created, and the public keys; only before they have signed anything."""
        for file in (*self._created, self._directory / PUBLIC_FILE, self._directory / "verifier-keys.txt"):
            file.unlink(missing_ok=True)
        self._created = []
        self._used.clear()

    def signer_of(self, keys: Collection[VerifierKey]) -> Signer:
        """Return the signer for given public keys, which may be current or replaced; see ``KnownKeys``."""
        return self.known().signer_of(keys)

    def known(self) -> KnownKeys:
        """Read all keys, current and replaced.

        Raises:
            KeyStoreError: a key cannot be used.
        """
        return KnownKeys(self._directory, tuple(self._everything()))

    def trusted(self) -> TrustedKeys:
        """Return the public keys, with the marks of compromised keys.

        Raises:
            KeyStoreError: a key cannot be used.
        """
        public = [key.public_key for key in self._everything() if key.key_type is KeyType.ED25519]
        return TrustedKeys(unnamed=tuple(dict.fromkeys(public)), compromised=self.compromised())

    def publish(
        self, logs: Iterable[LogName], signer: Signer | None = None, others: Iterable[VerifierKey] = ()
    ) -> None:
        """Publish the public keys in files, for everyone who verifies.

        Args:
            logs: the logs.
            signer: the keys; None for the current ones.
            others: keys of further logs.

        Raises:
            KeyStoreError: a key cannot be used, or the files cannot be written.
        """
        signer = signer or self.signer()
        self._publish(PUBLIC_FILE, signer.public_pem().decode())
        self.publish_keys([*(key for name in logs for key in signer.verifier_keys(name.origin)), *others])

    def publish_keys(self, keys: Iterable[VerifierKey]) -> None:
        """Publish verifier keys of logs, and no other public key than before; raises as ``publish``."""
        self._publish("verifier-keys.txt", "".join(f"{key}\n" for key in keys))

    def published_keys(self) -> list[VerifierKey]:
        """Return the verifier keys that were published last, none if that cannot be told."""
        return published_keys(self._directory)

    def published(self) -> bytes | None:
        """Return the raw Ed25519 public key that was published last, None if none was."""
        return published_key(self._directory)

    def rotate(self) -> tuple[StoredKey, StoredKey]:
        """Replace the Ed25519 key in its file, and the ML-DSA-44 key if there is one; keep the old keys.

        Returns:
            The old Ed25519 key and the new one.

        Raises:
            KeyStoreError: there is no key in a file, or the new key cannot be written.
        """
        if self._token_uri:
            raise KeyStoreError(
                "the key is in a token: create another there, name it in signing_key, and the old one in retired_keys"
            )
        file = self._directory / _ED25519_FILE
        if not file.exists():
            raise KeyStoreError(f"there is no key in {self._directory} yet: the server creates one at its first start")
        old = next(key for key in self.keys() if key.current)
        try:
            (self._directory / "retired").mkdir(mode=0o700, exist_ok=True)
            for name, kind in ((_ED25519_FILE, Ed25519Key), (_ML_DSA_FILE, MlDsa44Key)):
                if (self._directory / name).exists():
                    self._retire(name, kind)
        except OSError as error:
            raise KeyStoreError(f"the key cannot be replaced: {unwritable(self._directory, error)}") from error
        return old, next(key for key in self.keys() if key.current)

    def keys(self) -> list[StoredKey]:
        """Return all keys, current keys first.

        Raises:
            KeyStoreError: a key cannot be used.
        """
        marks = self.compromised()
        published = self.published()
        listed = []
        for place, key, current in self._places():
            name = fingerprint(key.public_key)
            algorithm = key.key_type.algorithm
            public = str(self._directory / PUBLIC_FILE) if key.public_key == published else ""
            listed.append(StoredKey(name, algorithm, place, current, marks.get(name), key.public_key, public))
        return listed

    def compromised(self) -> dict[str, int]:
        """Return the fingerprints of compromised keys, each with the time since which others may have the key.

        Raises:
            KeyStoreError: the file is damaged.
        """
        return read_compromised(self._directory / "compromised")

    def mark_compromised(self, name: str, since: int) -> None:
        """Mark a key as compromised.

        Args:
            name: the key's fingerprint.
            since: time since which others may have the key, in nanoseconds since the epoch.

        Raises:
            KeyStoreError: there is no key with this fingerprint, or the mark cannot be written.
        """
        if name not in {key.fingerprint for key in self.keys()}:
            raise KeyStoreError(f"there is no key {name} in {self._directory}: list them with 'lognotary keys list'")
        write_compromised(self._directory / "compromised", {**self.compromised(), name: since})

    def _publish(self, name: str, content: str) -> None:
        try:
            replace_file(self._directory / name, content)
        except OSError as error:
            raise KeyStoreError(f"the public keys: {unwritable(self._directory, error)}") from error

    def _retire(self, name: str, kind: type[Ed25519Key] | type[MlDsa44Key]) -> None:
        old = self._file(name, kind)
        replace_file(
            self._directory / "retired" / f"{fingerprint(old.public_key)}.pem",
            (self._directory / name).read_text(encoding="ascii"),
            mode=0o600,
        )
        replace_file(self._directory / name, kind.generate().to_pem().decode(), mode=0o600)

    def _everything(self) -> list[SigningKey]:
        return [key for _, key, _ in self._places()]

    def _places(self) -> Iterable[tuple[str, SigningKey, bool]]:
        """Yield every key with its place, and True if it is current."""
        if self._token_uri:
            yield self._token_uri, self._token(self._token_uri), True
        for name, kind, current in (
            (_ED25519_FILE, Ed25519Key, not self._token_uri),
            (_ML_DSA_FILE, MlDsa44Key, self._ml_dsa),
        ):
            if (self._directory / name).exists():
                yield str(self._directory / name), self._file(name, kind), current
        for uri in self._former_uris:
            yield uri, self._token(uri), False
        for file in sorted((self._directory / "retired").glob("*.pem")):
            yield str(file), read_private_key(file), False

    def _file(self, name: str, kind: type[Ed25519Key] | type[MlDsa44Key]) -> SigningKey:
        file = self._directory / name
        try:
            if not file.exists():
                # A key that was lost must be noticed: a new one could not continue what the old one signed.
                if trace := trace_of_key(file) or ("this server signs with it" if file in self._used else ""):
                    raise lost_key(file, trace)
                replace_file(file, kind.generate().to_pem().decode(), mode=0o600)
                self._created.append(file)
        except (OSError, KeyMaterialError) as error:
            raise KeyStoreError(f"the private key {file} cannot be used: {reason_of(error)}") from error
        key = read_private_key(file, kind)
        self._used.add(file)
        return key

    def _token(self, uri: str) -> SigningKey:
        if self._open_token is None:
            raise KeyStoreError("keys in tokens cannot be used here")
        try:
            if uri not in self._tokens:
                self._tokens[uri] = self._open_token(uri)
        except NotaryError as error:
            raise KeyStoreError(str(error)) from error
        return self._tokens[uri]

    def _make_directory(self) -> None:
        try:
            make_private(self._directory)
        except OSError as error:
            raise KeyStoreError(f"the directory of keys: {unwritable(self._directory, error)}") from error
        mode = stat.S_IMODE(self._directory.stat().st_mode)
        # In a sticky directory, such as a mounted secret, nobody replaces the files of others.
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise KeyStoreError(
                f"everybody may write the directory of keys {self._directory} (mode {mode:04o}), and could replace the "
                f"signing key: chmod 700 {self._directory}, and check that the keys are those of this server"
            )


_ED25519_FILE = "signing-key.pem"
_ML_DSA_FILE = "ml-dsa-44-key.pem"
