"""The quick start of version 0.2.1 with a real tarball, a real configure and a real compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pylightnix import RRef, Store, rref2dref, rref2path, store_rrefs

HERE = Path(__file__).parent
TARBALL = Path(os.environ.get("HELLO_TARBALL") or HERE.parents[2] / "shared/data/hello-2.10.tar.gz")
PUBLISHED = "http://ftp.gnu.org/gnu/hello"
ONCE_MORE = "\nprint(realize_inplace(hello_dref, force_rebuild=[hello_dref]))\n"
CONFIGURES = "checking whether we are cross compiling"


@dataclass
class Mirror:
    """Serves the folder of the tarball on this machine."""

    address: str
    served: list[str] = field(default_factory=list)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    made = Mirror("")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            made.served.append(self.path)

    handler = partial(Handler, directory=os.fspath(TARBALL.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.address = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def needed() -> None:
    """Skip where the story cannot be told."""
    if not TARBALL.is_file():
        pytest.skip(f"there is no {TARBALL.name}: set HELLO_TARBALL to where it is")
    missing = [program for program in ("cc", "make") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"there is no {' and no '.join(missing)} here (Debian: gcc, make)")


def quickstart(folder: Path, mirror: Mirror, after: str = "") -> list[str]:
    """Run it as a script, on the store below `folder`; gives the lines that it prints."""
    code = (HERE / "quickstart_seed.py").read_text(encoding="utf-8")
    assert code.count(PUBLISHED) == 1
    # The first `configure` learns all of the machine, and notes it for that of a forced build.
    site = folder / "config.site"
    site.write_text(f"cache_file={folder}/config.cache\n", encoding="utf-8")
    script = folder / "quickstart.py"
    script.write_text(code.replace(PUBLISHED, mirror.address) + after, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={
            **os.environ,
            "PYLIGHTNIX_ROOT": str(folder / "root"),
            "PYTHONUNBUFFERED": "1",
            "CONFIG_SITE": os.fspath(site),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.usefixtures("needed")
def test_the_old_quick_start_builds_hello_once_and_again_only_by_force(
    tmp_path: Path, mirror: Mirror
) -> None:
    first = quickstart(tmp_path, mirror)
    source, program = [RRef(line) for line in first if line.startswith("rref:")]
    assert any(line.startswith(CONFIGURES) for line in first)
    assert first[-1] == "Hello, world!"
    assert len(mirror.served) == 1

    # What configure and make print would be in between.
    assert quickstart(tmp_path, mirror) == [source, program, "Hello, world!"]

    again = quickstart(tmp_path, mirror, after=ONCE_MORE)
    assert again[:3] == [source, program, "Hello, world!"]
    assert any(line.startswith(CONFIGURES) for line in again[3:])
    forced = RRef(again[-1])
    assert len(mirror.served) == 1

    store = Store.open(tmp_path / "root")
    assert store_rrefs(rref2dref(program), store=store) == sorted({program, forced})
    hello = rref2path(forced, store) / "usr" / "bin" / "hello"
    assert subprocess.run([hello], capture_output=True, check=True).stdout == b"Hello, world!\n"
