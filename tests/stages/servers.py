"""Servers on this machine that behave as badly as a test wants them to."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ONE_DAY = "Sat, 01 Jan 2000 00:00:00 GMT"


@dataclass
class Page:
    """What is at an address, and how it is handed out.

    Attributes:
        cuts: for each request in turn, after how many bytes the connection is cut; then no more.
        statuses: for each request in turn, what is answered instead of the page.
        stalls_after: after how many bytes nothing more comes, though the connection stays.
        range_shift: how far a partial answer lies off what was asked for.
        seen: the headers of all requests so far.
    """

    content: bytes
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    stalls_after: int | None = None
    knows_ranges: bool = True
    says_length: bool = True
    is_chunked: bool = False
    range_shift: int = 0
    etag: str | None = '"v1"'
    last_modified: str | None = None
    redirect: str | None = None
    seen: list[dict[str, str]] = field(default_factory=list)

    def ranges(self) -> list[str | None]:
        """The ranges that were asked for, in order."""
        return [headers.get("Range") for headers in self.seen]


class WebServer(ThreadingHTTPServer):
    """Serves pages; `url` is where they are."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, Page] = {}
        self.is_over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def page(self, path: str, content: bytes, **how: object) -> tuple[str, Page]:
        """Put up a page; gives its address, and itself."""
        self.pages[path] = Page(content, **how)  # type: ignore[arg-type]
        return self.url + path, self.pages[path]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
            return
        page.seen.append(dict(self.headers))
        if page.redirect:
            self.send_response(302)
            self.send_header("Location", page.redirect)
            self.end_headers()
        elif page.statuses:
            self.send_error(page.statuses.pop(0))
        else:
            self._answer(page)

    def _answer(self, page: Page) -> None:
        start = self._start(page)
        size = len(page.content)
        if start is not None and start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.end_headers()
            return
        self.send_response(200 if start is None else 206)
        if start is not None:
            start += page.range_shift
            whole = size if page.says_length else "*"
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{whole}")
        body = page.content[start or 0 :]
        for name, value in (("ETag", page.etag), ("Last-Modified", page.last_modified)):
            if value is not None:
                self.send_header(name, value)
        if page.is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif page.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(page, body)

    def _start(self, page: Page) -> int | None:
        """Where to begin, if the client may ask."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        condition = self.headers.get("If-Range")
        is_same = condition in (None, page.etag, page.last_modified)
        return int(found[1]) if found and page.knows_ranges and is_same else None

    def _send(self, page: Page, body: bytes) -> None:
        cut = page.cuts.pop(0) if page.cuts else None
        sent = body[: page.stalls_after if cut is None else cut]
        if page.is_chunked:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent))
            if cut is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)
        self.wfile.flush()
        if page.stalls_after is not None and cut is None:
            self.server.is_over.wait(30)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def web_server() -> Iterator[WebServer]:
    """A server for as long as the block lasts."""
    server = WebServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def ftp_server(content: bytes, cuts: list[int]) -> Iterator[str]:
    """Serves one file, `/file`, cut after so many bytes; gives the address of the server."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_serve_ftp, args=(door, content, cuts), daemon=True).start()
        yield f"ftp://127.0.0.1:{door.getsockname()[1]}"


def _serve_ftp(door: socket.socket, content: bytes, cuts: list[int]) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            threading.Thread(target=_converse, args=(client, content, cuts), daemon=True).start()


def _converse(client: socket.socket, content: bytes, cuts: list[int]) -> None:
    """The few words of the protocol that a download needs."""
    talk = client.makefile("rwb", buffering=0)
    say = talk.write
    with client, talk, socket.create_server(("127.0.0.1", 0)) as data, suppress(OSError):
        say(b"220 hello\r\n")
        for line in talk:
            word, _, rest = line.decode().strip().partition(" ")
            port = data.getsockname()[1]
            if word == "RETR" and rest == "file":
                say(b"150 it is %d bytes (%d bytes)\r\n" % (len(content), len(content)))
                with data.accept()[0] as pipe:
                    pipe.sendall(content[: cuts.pop(0)] if cuts else content)
                say(b"226 done\r\n")
            elif rest == "missing":
                say(b"550 there is no such file\r\n")
            elif word == "QUIT":
                say(b"221 bye\r\n")
                return
            elif word == "EPSV":
                say(b"229 here (|||%d|)\r\n" % port)
            elif word == "PASV":
                say(b"227 here (127,0,0,1,%d,%d)\r\n" % divmod(port, 256))
            else:
                say({"USER": b"331", "PASS": b"230"}.get(word, b"200") + b" fine\r\n")
