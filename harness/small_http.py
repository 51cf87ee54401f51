"""A small HTTP server for tests: a function from request to answer, over real connections."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer; with ``stream``, a chunked answer without a declared length.

    Headers given here replace the server's own.
    """

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Callable[[], Iterable[bytes]] | None = None


@contextmanager
def serving(respond: Callable[[Request], Answer], port: int = 0) -> Iterator[str]:
    """Serve the function's answers until the block ends; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = respond(Request(self.command, self.path, self.headers.get("Content-Type", ""), body))
            if answer.stream is None:
                length, chunks = {"Content-Length": str(len(answer.body))}, iter([answer.body])
            else:
                length = {"Transfer-Encoding": "chunked"}
                chunks = (b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in answer.stream())
            try:
                self.send_response(answer.status)
                for name, value in {"Content-Type": answer.content_type, **length, **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for chunk in chunks:
                    self.wfile.write(chunk)
            except OSError:
                self.close_connection = True  # the client has gone, as it may

        def log_message(self, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # Who closes it waits for no connection: clients keep theirs open, and some are never answered.
        block_on_close = False

    server = Server(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), name="small-http", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
