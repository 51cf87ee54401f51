"""The health check of the image: status 0 if the server answers on /healthz, with TLS or without."""

import http.client
import ssl
import sys

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 7318
# It asks this machine only whether the server works, so the certificate, which has another name, does not matter.
ANY = ssl.create_default_context()
ANY.check_hostname, ANY.verify_mode = False, ssl.CERT_NONE


def healthy(connection: http.client.HTTPConnection) -> bool:
    """Return whether the server answers that it works."""
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


plain = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
sys.exit(not (healthy(plain) or healthy(http.client.HTTPSConnection("127.0.0.1", PORT, timeout=2, context=ANY))))
