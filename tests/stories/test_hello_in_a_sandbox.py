"""GNU Hello built where nothing is seen but its sources and the toolchain, and built again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pylightnix import (
    Build,
    DRef,
    Store,
    build_outpath,
    build_path,
    build_run,
    build_wrapper,
    dirrw,
    fetchlocal,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    rref2path,
    selfref,
)
from pylightnix.api.check import check
from pylightnix.sandbox.policy import Policy
from sandboxes import needs

TARBALL = Path(
    os.environ.get("HELLO_TARBALL") or Path(__file__).parents[3] / "shared/data/hello-2.10.tar.gz"
)


def hello(policy: Policy) -> DRef:
    """Unpacked sources in, `usr/bin/hello` out; what is built again is the second half of it."""
    sources = fetchlocal(path=str(TARBALL), name="hello-src")

    def configure(b: Build) -> None:
        shutil.copytree(build_path(b, [sources, "hello-2.10"]), "src")
        dirrw("src")
        build_run(b, ["./configure", "--prefix=/usr", "--disable-nls"], cwd="src")
        shutil.copytree("src", build_outpath(b) / "src")

    def build(b: Build) -> None:
        shutil.copytree(build_path(b, [configured, "src"]), "src")
        dirrw("src")
        build_run(b, ["make", "-j2"], cwd="src")
        build_run(b, ["make", "install", f"DESTDIR={build_outpath(b)}"], cwd="src")

    config = mkconfig({"name": "configured", "sources": sources})
    configured = mkdrv(config, match_only(), build_wrapper(configure, policy=policy))
    program = [selfref, "usr", "bin", "hello"]
    config = mkconfig({"name": "hello", "configured": configured, "program": program})
    return mkdrv(config, match_only(), build_wrapper(build, policy=policy))


@pytest.fixture(params=["bubblewrap", "unshare"])
def policy(request: pytest.FixtureRequest) -> Policy:
    """What a build may use, in each sandbox."""
    needs(request.param)
    if not TARBALL.is_file():
        pytest.skip(f"there is no {TARBALL.name}: set HELLO_TARBALL to where it is")
    missing = [program for program in ("cc", "make") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"there is no {' and no '.join(missing)} here (Debian: gcc, make)")
    return Policy(
        backend=request.param,
        wall_s=600,
        pids=200,
    )


@pytest.mark.slow
def test_hello_is_built_in_a_sandbox_and_is_reproducible(store: Store, policy: Policy) -> None:
    closure = instantiate(hello, policy, store=store)
    rref = realize(closure)
    program = rref2path(rref, store) / "usr" / "bin" / "hello"
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stdout == "Hello, world!\n"
    (checked,) = check(closure)
    assert checked.differences == ()
    assert (checked.rref, checked.backend) == (rref, policy.backend)
