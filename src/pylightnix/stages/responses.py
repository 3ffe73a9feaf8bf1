"""One address, asked again and again until all of it has come. A stateful handle over `urllib`."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from .parts import Part

_CHUNK_BYTES = 256 * 1024
_MAY_PASS = (408, 425, 429, 500, 502, 503, 504)
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_ASCII_OF_URLS = "%/:=&?~#+!$,;'@()*[]"


class Broken(Exception):
    """An attempt that failed; `may_pass` if the next one may do better."""

    def __init__(self, cause: str, *, may_pass: bool) -> None:
        super().__init__(cause)
        self.cause, self.may_pass = cause, may_pass


class Session:
    """What must be remembered of an address between attempts."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """Remember nothing yet."""
        self._url, self._timeout_s = url, timeout_s
        self._is_http = urlsplit(url).scheme in ("http", "https")
        self._validator: str | None = None

    def fetch(self, part: Part, tell: Callable[[int, int | None], None]) -> None:
        """Bring a part from where it ends to the end of the file.

        Raises:
            Broken: it did not work, or not to the end; what came is in the part.
        """
        response = self._opened(part)
        if response is None:
            return
        with closing(response):
            total_bytes = self._placed(response, part)
            tell(part.size_bytes, total_bytes)
            while piece := self._read(response):
                part.append(piece)
                tell(part.size_bytes, total_bytes)
        if total_bytes is not None and part.size_bytes < total_bytes:
            got = f"{part.size_bytes} of {total_bytes} bytes"
            raise Broken(f"it broke off after {got}", may_pass=True)

    def _opened(self, part: Part) -> Any:
        """The response to our request for what is missing; None if nothing is."""
        from urllib.error import HTTPError

        try:
            if part.size_bytes and not (self._validator or part.is_provable):
                part.restart()  # nothing could tell whether the pieces belong together
            return _attempt(lambda: _opener().open(self._request(part), timeout=self._timeout_s))
        except HTTPError as error:
            with closing(error):
                if error.code == _RANGE_NOT_SATISFIABLE and part.size_bytes:
                    return self._beyond_the_end(error.headers, part)
                raise Broken(
                    f"the server says {error.code} {error.reason}", may_pass=error.code in _MAY_PASS
                ) from error

    def _request(self, part: Part) -> Any:
        """Ask for what is missing, if it is still part of the same."""
        from urllib.request import Request

        split = urlsplit(self._url)
        user, _, host = split.netloc.rpartition("@") if self._is_http else ("", "", split.netloc)
        url = urlunsplit(split._replace(netloc=host))
        safe = quote(url, safe=_ASCII_OF_URLS)
        request = Request(safe, headers={"User-Agent": "pylightnix"})  # noqa: S310
        if user:  # not to be sent on to where the server redirects us
            token = b64encode(unquote(user).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {token}")
        if part.size_bytes and self._is_http:
            request.add_header("Range", f"bytes={part.size_bytes}-")
            if self._validator:
                request.add_header("If-Range", self._validator)
        return request

    def _beyond_the_end(self, headers: Any, part: Part) -> None:
        """We asked for more than there is: all has come if the sizes agree; if not, begin anew."""
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range") or "")
        if found and found[2] == str(part.size_bytes):
            return
        part.restart()
        raise Broken("what had come is longer than the file", may_pass=True)

    def _placed(self, response: Any, part: Part) -> int | None:
        """Put the part to where the response begins; tells the size of the whole file if known."""
        headers = response.headers
        # A weak validator says that the meaning is the same, not the bytes.
        etag = headers.get("ETag") or "W/"
        self._validator = headers.get("Last-Modified") if etag.startswith("W/") else etag
        length = headers.get("Content-Length") or ""
        if not part.size_bytes:
            return int(length) if length.isdecimal() else None
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range") or "")
        if getattr(response, "status", None) != _PARTIAL_CONTENT:
            part.restart()
            return int(length) if length.isdecimal() else None
        if not found or found[1] != str(part.size_bytes):
            part.restart()
            raise Broken("the server sent another piece than we asked for", may_pass=True)
        part.is_patchwork = True
        if found[2] != "*":
            return int(found[2])
        return part.size_bytes + int(length) if length.isdecimal() else None

    @staticmethod
    def _read(response: Any) -> bytes:
        """What has come by now; waits for the first byte only."""
        read = getattr(response, "read1", response.read)
        return bytes(_attempt(lambda: read(_CHUNK_BYTES)))


def _attempt(step: Callable[[], Any]) -> Any:
    """Do something with the network; all that goes wrong but an answer becomes `Broken`."""
    from http.client import HTTPException, InvalidURL
    from urllib.error import HTTPError, URLError

    try:
        return step()
    except HTTPError:
        raise
    except (InvalidURL, ValueError) as error:
        raise Broken(f"it is no address that can be used ({error})", may_pass=False) from error
    except (OSError, EOFError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise Broken(_cause(reason), may_pass=_may_pass(reason)) from error


def _cause(reason: object) -> str:
    """Say in words what the system means."""
    if isinstance(reason, TimeoutError):
        return "nothing came for too long"
    return str(reason) or type(reason).__name__


def _may_pass(reason: object) -> bool:
    """Whether the same thing may work in a moment."""
    if isinstance(reason, str):
        return reason.startswith("ftp error")
    # What has a verify_code is a certificate that is not trusted; `ssl` need not be there.
    return not hasattr(reason, "verify_code") and not isinstance(
        reason, (FileNotFoundError, IsADirectoryError, PermissionError)
    )


def _opener() -> Any:
    """An opener of our own: one that somebody installed for the whole process is not ours."""
    from urllib.request import build_opener

    return build_opener()
