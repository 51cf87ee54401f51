"""Producers that sign records as the Collector's signingprocessor does, with keys and certificates made here."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.codec.audit.integrity_form import FORM, canonical_json

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

DAY = 86_400 * 10**9
NOW = 1_790_000_000 * 10**9
SECRET = b"test-hmac-secret-32-bytes-padded!"


def moment(time: int) -> datetime:
    return datetime.fromtimestamp(time // 10**9, UTC)


@cache
def private_key(algorithm: str, number: int = 0) -> PrivateKey:
    """Return the same key each time, another one for each number."""
    del number
    if algorithm in ("RS256", "RS512"):
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Producer:
    """A producer with a key and a certificate."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def public_pem(self) -> str:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    @property
    def fingerprint(self) -> str:
        return "sha256:" + hashlib.sha256(self.der).hexdigest()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def full(self) -> str:
        return b64encode(self.der).decode()


def producer(
    algorithm: str = "ES256",
    *,
    name: str = "producer",
    issuer: Producer | None = None,
    is_ca: bool | None = None,
    first: int = NOW - DAY,
    last: int = NOW + DAY,
    number: int = 0,
    usage: x509.KeyUsage | None = None,
    extra: x509.ExtensionType | None = None,
) -> Producer:
    """Make a producer whose certificate signs itself, or is issued by another."""
    key = private_key(algorithm, number)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(1000 + number)
        .not_valid_before(moment(first))
        .not_valid_after(moment(last) - timedelta(seconds=1))
    )
    if is_ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    if extra is not None:
        builder = builder.add_extension(extra, critical=True)
    signing = issuer.key if issuer else key
    hashing = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Producer(key, builder.sign(signing, hashing))


def sign(payload: bytes, algorithm: str, key: PrivateKey | bytes) -> bytes:
    """Sign as the signingprocessor does: an HMAC if the key is a secret."""
    match key:
        case bytes():
            return hmac.new(key, payload, hashlib.sha256).digest()
        case rsa.RSAPrivateKey():
            hashing = hashes.SHA512() if algorithm == "RS512" else hashes.SHA256()
            return key.sign(payload, padding.PKCS1v15(), hashing)
        case ec.EllipticCurvePrivateKey():
            return key.sign(payload, ec.ECDSA(hashes.SHA256()))
        case _:
            return key.sign(payload)


def mark(name: str, value: str) -> KeyValue:
    return KeyValue(key=f"audit.integrity.{name}", value=AnyValue(string_value=value))


def attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def login(actor: str = "u1", time: int = NOW) -> LogRecord:
    """Make an audit record of the draft signal."""
    return LogRecord(
        event_name="user.login.success",
        time_unix_nano=time,
        body=AnyValue(string_value="logged in"),
        attributes=[attribute("audit.actor.id", actor), attribute("audit.record.id", f"id-{actor}")],
    )


def signed(record: LogRecord, algorithm: str, key: PrivateKey | bytes, form: str = FORM) -> LogRecord:
    """Add a signature to a record."""
    signature = sign(canonical_json(record, form), algorithm, key)
    record.attributes.append(mark("value", b64encode(signature).decode()))
    return record


def shared(algorithm: str, reference: str = "") -> list[KeyValue]:
    """Make the attributes of a resource that say how its records are signed."""
    return [mark("algorithm", algorithm), *([mark("certificate", reference)] if reference else [])]


def request_of(*records: LogRecord, resource: list[KeyValue]) -> bytes:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(resource)
    resource_logs.scope_logs.add(log_records=records)
    return request.SerializeToString()
