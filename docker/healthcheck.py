"""Health check of the image: exit status 0 if the HTTP API answers /healthz, with or without TLS.

The certificate is not verified: this asks whether the process on this machine is alive, and sends no secret. If the
port requires client certificates, a handshake that ends with the server's demand for one is an answer too.
"""

import http.client
import os
import ssl
import sys

_PORT = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("LOGNOTARY_HTTP", ":7318").rpartition(":")[2])


def main() -> int:
    """Return the exit status."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for connection in (
        http.client.HTTPSConnection("127.0.0.1", _PORT, timeout=2, context=context),
        http.client.HTTPConnection("127.0.0.1", _PORT, timeout=2),
    ):
        try:
            connection.request("GET", "/healthz")
            return int(connection.getresponse().status != 200)
        except ssl.SSLError as error:
            if "CERTIFICATE_REQUIRED" in str(error):
                return 0
        except (OSError, http.client.HTTPException):
            pass
    return 1


if __name__ == "__main__":
    sys.exit(main())
