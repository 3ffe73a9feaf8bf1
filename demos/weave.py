"""Weave demos/*.pmd into demos/out/*.md, `make demos`. Ends with 1 if any chunk raised.

Pweave itself ends with 0 then, with the traceback in the middle of the text. It is run from the
environment `.venv-demos`, whose pins are the extra `demos`. Each document gets a store of its own,
which is thrown away afterwards.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
HELLO = "hello-2.10.tar.gz"

# What IPython prints at the head of an exception; a SyntaxError has no traceback, only the place.
_RAISED = re.compile(r"Traceback \(most recent call last\)|^ *(?:Cell In\[|File ).*, line \d+$")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def raised(chunks: Iterable[Mapping[str, Any]], woven: str = "") -> list[str]:
    """Tell what went wrong in a document.

    Args:
        chunks: as Pweave executed them. Shows exceptions also where a chunk hides its output.
        woven: the text that was made of them. Shows exceptions inside of prose (`<%= %>`) too.

    Returns:
        A line for each exception; nothing if all went well.
    """
    found = [
        f"chunk {chunk.get('number')}, which ends at line {chunk.get('start_line')}: {error}"
        for chunk in chunks
        if chunk.get("type") == "code"
        for error in _errors(chunk.get("result") or ())
    ]
    if not found:
        lines = _ANSI.sub("", woven).splitlines()
        found = [
            f"line {i} of the text: {x.strip()}"
            for i, x in enumerate(lines, 1)
            if _RAISED.search(x)
        ]
    return found


def _errors(outputs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for output in outputs:
        if output["output_type"] == "error":
            yield f"{output['ename']}: {output['evalue']}"


def hello_tarball() -> Path:
    """Where the sources of GNU Hello are: $HELLO_TARBALL, or beside the checkout."""
    return Path(os.environ.get("HELLO_TARBALL") or HERE.parents[1] / "shared" / "data" / HELLO)


def hello_lacks() -> str | None:
    """What is missing for HELLO.pmd, and how to get it; None if nothing is."""
    if not hello_tarball().is_file():
        return f"there is no {hello_tarball()}: set HELLO_TARBALL to where {HELLO} is"
    lacking = [program for program in ("cc", "make") if shutil.which(program) is None]
    return (
        f"there is no {' and no '.join(lacking)} here: install a C compiler and make"
        if lacking
        else None
    )


LACKS: Mapping[str, Callable[[], str | None]] = {"HELLO": hello_lacks}
"""Document -> what it cannot do without."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing of each request."""


@contextmanager
def mirror(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; gives the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def weave(document: Path, out: Path = OUT) -> list[str]:
    """Weave one document into a folder; returns what `raised` says."""
    from pweave import Pweb, rcParams  # type: ignore[import-not-found]

    rcParams["usematplotlib"] = False
    rcParams["chunk"]["defaultoptions"]["wrap"] = False  # references are longer than its lines
    out.mkdir(exist_ok=True)
    doc = Pweb(str(document), doctype="markdown", output=str(out / f"{document.stem}.md"))
    doc.weave()
    with suppress(OSError):
        (out / "figures").rmdir()  # it makes one for every document, and leaves it there if empty
    return raised(doc.executed, doc.formatted)


def woven(document: Path) -> list[str]:
    """Weave one document on a store of its own, or say why not; returns what `raised` says."""
    lacks = LACKS.get(document.stem, lambda: None)()
    if lacks is not None:
        print(f"{document.name} left out: {lacks}")
        return []
    with tempfile.TemporaryDirectory() as root, mirror(hello_tarball().parent) as url:
        os.environ.update(PYLIGHTNIX_ROOT=f"{root}/store", HELLO_MIRROR=url)
        try:
            return [f"{document.name}: {what}" for what in weave(document)]
        finally:
            _unlock(root)


def _unlock(root: str) -> None:
    """Make a store deletable for who is not root: its folders are read-only."""
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o700)


def main() -> int:
    """Weave them all; gives the exit status."""
    for name in ("PYLIGHTNIX_STORE", "PYLIGHTNIX_TMP"):
        os.environ.pop(name, None)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # keeps the kernel from warning of itself
    logging.getLogger("asyncio").setLevel(
        logging.CRITICAL
    )  # and from mourning its tasks at the end
    wrong = [what for document in sorted(HERE.glob("*.pmd")) for what in woven(document)]
    for what in wrong:
        print(what, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
