"""A timestamp authority for tests: ``openssl ts`` with generated certificates, to be served over HTTP."""

import datetime
import subprocess
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.lacking import require_tools
from harness.small_http import Answer, Request

_CONFIGURATION = """
[tsa]
serial = {directory}/serial
crypto_device = builtin
signer_cert = {directory}/tsa.pem
signer_key = {directory}/tsa.key
certs = {directory}/intermediate.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
digests = {digest}
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class TimestampAuthority:
    """Answers RFC 3161 requests; ``respond`` is to be served over HTTP.

    Its certificate is issued by an intermediate authority, which is issued by the one in ``roots``. It sends both
    certificates, its own first, as openssl writes them: not in DER order.
    """

    def __init__(self, directory: Path, *, digest: str = "sha256") -> None:
        """Generate keys and certificates in an empty directory.

        Args:
            directory: the directory.
            digest: the only digest algorithm that is granted.
        """
        require_tools("openssl")
        self._directory = directory
        self._lock = threading.Lock()
        self.roots = directory / "roots.pem"
        (directory / "serial").write_text("01\n")
        (directory / "openssl.cnf").write_text(_CONFIGURATION.format(directory=directory, digest=digest))
        name = f"root in {directory.name}"  # roots of one name are confused
        root, middle, leaf = (generate_private_key(SECP256R1()) for _ in range(3))
        _write(self.roots, _certificate(name, root, name, root))
        _write(directory / "intermediate.pem", _certificate("intermediate", middle, name, root))
        _write(directory / "tsa.pem", _certificate("tsa", leaf, "intermediate", middle, for_timestamps=True))
        (directory / "tsa.key").write_bytes(
            leaf.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def respond(self, request: Request) -> Answer:
        if request.method != "POST" or request.content_type != "application/timestamp-query":
            return Answer(400)
        return Answer(200, self.reply(request.body), "application/timestamp-reply")

    def reply(self, request: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq, both in DER."""
        query, response = self._directory / "query", self._directory / "response"
        with self._lock:  # openssl counts serial numbers in a file
            query.write_bytes(request)
            configuration = self._directory / "openssl.cnf"
            _openssl("-reply", "-config", configuration, "-section", "tsa", "-queryfile", query, "-out", response)
            return response.read_bytes()

    def verify(self, response: bytes, data: bytes) -> str:
        """Run ``openssl ts -verify`` on a response over data; returns its output."""
        stored, stamped = self._directory / "stored", self._directory / "stamped"
        stored.write_bytes(response)
        stamped.write_bytes(data)
        return _openssl("-verify", "-in", stored, "-data", stamped, "-CAfile", self.roots)


def _openssl(*arguments: object) -> str:
    command = ["openssl", "ts", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    return done.stdout


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: EllipticCurvePrivateKey,
    *,
    for_timestamps: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not for_timestamps, path_length=None), critical=True)
    )
    if for_timestamps:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
