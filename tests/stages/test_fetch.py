"""`fetchurl`: known by its hash, wherever it comes from."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from pylightnix import (
    BuildFailed,
    DRef,
    InvalidValue,
    Registry,
    Store,
    fetchurl,
    instantiate,
    realize,
    rref2path,
    store_config,
)
from pylightnix.core.config import config_dict
from pylightnix.engine.events import Event, Progress
from pylightnix.stages import fetch
from pylightnix.stages.download import DownloadFailed
from pylightnix.stages.guard import HostileArchive, Limits
from pylightnix.stages.sources import HashMismatch
from stages.packing import END, file, symlink, tree
from stages.servers import WebServer

TAR = gzip.compress(file(b"hello-2.10/configure", b"#!/bin/sh", 0o755) + END, mtime=0)
SHA256 = hashlib.sha256(TAR).hexdigest()
SHA1 = hashlib.sha1(TAR).hexdigest()
UNPACKED = {"hello-2.10": None, "hello-2.10/configure": (b"#!/bin/sh", True)}
NOWHERE = "http://127.0.0.1:1/hello-2.10.tar.gz"


def dref_of(*args: Any, **kwargs: Any) -> DRef:
    return fetchurl(*args, r=Registry(), **kwargs)


def fetched(*args: Any, **kwargs: Any) -> dict[str, object]:
    """What a realization holds, our own folder left out."""
    rref = realize(instantiate(fetchurl, *args, **kwargs))
    listed = tree(rref2path(rref))
    return {name: what for name, what in listed.items() if not name.startswith(".pylightnix")}


def cause_of(*args: Any, **kwargs: Any) -> BaseException | None:
    """Why it could not be realized."""
    with pytest.raises(BuildFailed) as failed:
        realize(instantiate(fetchurl, *args, **kwargs))
    return failed.value.__cause__


def parts_in(store: Store) -> list[str]:
    return [name for name in os.listdir(f"{store.var}/tmp") if name.startswith("fetch-")]


def test_an_archive_is_fetched_and_unpacked(web: WebServer, current: Store) -> None:
    url, page = web.page("/hello-2.10.tar.gz", TAR)
    assert fetched(url, sha256=SHA256) == UNPACKED
    assert fetched(url, sha256=SHA256) == UNPACKED
    assert len(page.seen) == 1
    assert parts_in(current) == []


def test_sha1_will_do(web: WebServer, current: Store) -> None:
    url, _ = web.page("/hello-2.10.tar.gz", TAR)
    assert fetched(url, sha1=SHA1) == UNPACKED


def test_the_mode_says_what_is_left(web: WebServer, current: Store) -> None:
    url, _ = web.page("/hello-2.10.tar.gz", TAR)
    packed = {"hello-2.10.tar.gz": (TAR, False)}
    assert fetched(url, sha256=SHA256, mode="as-is") == packed
    assert fetched(url, sha256=SHA256, mode="unpack") == packed | UNPACKED
    assert fetched(url, sha256=SHA256, mode="unpack,remove") == UNPACKED
    assert fetched(url, sha256=SHA256, mode="as-is", filename="x") == {"x": (TAR, False)}


def test_what_is_called_like_its_archive_can_be_unpacked(web: WebServer, current: Store) -> None:
    for data, expected in (
        (file(b"thing/x") + END, {"thing": None, "thing/x": (b"data", False)}),
        (gzip.compress(b"text", mtime=0), {"thing": (b"text", False)}),
    ):
        url, _ = web.page("/thing", data)
        assert fetched(url, hashlib.sha256(data).hexdigest()) == expected


def test_the_address_is_not_part_of_the_identity() -> None:
    one = dref_of("http://here/a/hello-2.10.tar.gz", SHA256)
    assert one == dref_of("https://there/hello-2.10.tar.gz?x=1", SHA256)
    assert one == dref_of(["ftp://x/hello-2.10.tar.gz", "http://y/other.zip"], SHA256)
    assert one == dref_of("file:///z", SHA256, filename="hello-2.10.tar.gz", attempts=7)


def test_hash_mode_names_and_further_fields_are_the_identity() -> None:
    url = "http://here/hello-2.10.tar.gz"
    different = [
        dref_of(url, SHA256),
        dref_of(url, "0" * 64),
        dref_of(url, sha1=SHA1),
        dref_of(url, SHA256, mode="as-is"),
        dref_of(url, SHA256, name="other"),
        dref_of(url, SHA256, filename="other.tar.gz"),
        dref_of(url, SHA256, version=2),
    ]
    assert len(set(different)) == len(different)


def test_the_config_holds_no_address(current: Store) -> None:
    closure = instantiate(fetchurl, NOWHERE, SHA256, version=2)
    assert config_dict(store_config(closure.result)) == {
        "filename": "hello-2.10.tar.gz",
        "mode": "unpack,remove",
        "name": "hello-2_10",
        "sha256": SHA256,
        "version": 2,
    }


def test_what_is_realized_needs_no_network(web: WebServer, current: Store) -> None:
    url, _ = web.page("/hello-2.10.tar.gz", TAR)
    assert fetched(url, SHA256) == UNPACKED
    assert fetched(NOWHERE, SHA256) == UNPACKED


def test_the_next_run_resumes(web: WebServer, current: Store) -> None:
    url, page = web.page("/hello-2.10.tar.gz", TAR, cuts=[50])
    cause = cause_of(url, SHA256, attempts=1)
    assert isinstance(cause, DownloadFailed)
    assert parts_in(current) == [f"fetch-{SHA256}.part"]
    assert fetched(url, SHA256) == UNPACKED
    assert page.ranges() == [None, "bytes=50-"]
    assert parts_in(current) == []


def test_a_part_that_another_process_has_is_left_alone(web: WebServer, current: Store) -> None:
    url, page = web.page("/hello-2.10.tar.gz", TAR)
    path = Path(current.var, "tmp", f"fetch-{SHA256}.part")
    with path.open("wb") as theirs:
        theirs.write(b"theirs")
        theirs.flush()
        fcntl.flock(theirs, fcntl.LOCK_EX)
        assert fetched(url, SHA256) == UNPACKED
    assert path.read_bytes() == b"theirs"
    assert page.ranges() == [None]


def test_a_wrong_hash_fails_the_build_and_leaves_no_part(web: WebServer, current: Store) -> None:
    url, _ = web.page("/hello-2.10.tar.gz", TAR)
    cause = cause_of(url, sha256="0" * 64)
    assert isinstance(cause, HashMismatch)
    assert (cause.expected, cause.got) == ("0" * 64, SHA256)
    assert parts_in(current) == []


def test_a_hostile_archive_fails_the_build(web: WebServer, current: Store) -> None:
    data = symlink(b"out", b"/etc") + END
    url, _ = web.page("/x.tar", data)
    assert isinstance(cause_of(url, hashlib.sha256(data).hexdigest()), HostileArchive)


def test_limits_can_be_set_and_are_not_part_of_the_identity(web: WebServer, current: Store) -> None:
    url, _ = web.page("/hello-2.10.tar.gz", TAR)
    assert isinstance(cause_of(url, SHA256, limits=Limits(entries=1)), HostileArchive)
    assert fetched(url, SHA256, limits=Limits(entries=2)) == UNPACKED
    assert dref_of(url, SHA256, limits=Limits(entries=1)) == dref_of(url, SHA256)


def test_progress_is_told_as_events(web: WebServer, current: Store) -> None:
    url, _ = web.page("/hello-2.10.tar.gz", TAR)
    events: list[Event] = []
    closure = instantiate(fetchurl, url, SHA256)
    realize(closure, on_event=events.append)
    told = [event for event in events if isinstance(event, Progress)]
    assert told[-1].done_bytes == told[-1].total_bytes == len(TAR)
    assert {(event.dref, event.what) for event in told} == {(closure.result, "hello-2.10.tar.gz")}


def test_a_hash_is_required() -> None:
    with pytest.raises(InvalidValue, match="sha256="):
        dref_of("http://me:secret@here/x.tar")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"url": "http://here/"}, "filename="),
        ({"url": "http://here/.."}, "filename="),
        ({"url": "gopher://here/x"}, "http, https, ftp, file"),
        ({"url": []}, "nowhere"),
        ({"url": "http://here/x", "mode": "remove"}, "'as-is', 'unpack', 'unpack,remove'"),
        ({"url": "http://here/x", "filename": "a/b"}, "filename"),
        ({"url": "http://here/x", "sha256": "XYZ"}, "64 lower-case hex digits"),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments: dict[str, object], match: str) -> None:
    with pytest.raises(InvalidValue, match=match):
        dref_of(**{"sha256": SHA256} | arguments)


def test_the_realizer_can_be_sent_to_a_worker() -> None:
    registry = Registry()
    dref = fetch.fetchurl(NOWHERE, SHA256, r=registry)
    realizer = registry.derivations[dref].realizer
    assert pickle.loads(pickle.dumps(realizer)).function.args == realizer.function.args  # type: ignore[attr-defined]
