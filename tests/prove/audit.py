"""A second opinion on a whole store: what its format says, read again with hashlib, json and os.

Nothing of the library is used here, so that a mistake in the library's own checks cannot hide from
the proofs.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

_DRV = re.compile(r"[0-9a-f]{32}-[A-Za-z0-9_-]{1,128}")
_HASH = re.compile(r"[0-9a-f]{32}")
_OURS = re.compile(r"manifest\.json|build\.json|\.build\.json\.\w{6}")
_DREF = re.compile(r"dref:([0-9a-f]{32}-[A-Za-z0-9_-]{1,128})")
_RREF = re.compile(r"rref:([0-9a-f]{32})-([0-9a-f]{32}-[A-Za-z0-9_-]{1,128})")


def place(objects: str, ref: str) -> str:
    """Where the object of a reference is."""
    if found := _RREF.fullmatch(ref):
        return f"{objects}/{found[2]}/{found[1]}"
    if found := _DREF.fullmatch(ref):
        return f"{objects}/{found[1]}"
    raise ValueError(ref)


def drefs(objects: str) -> list[str]:
    """Every entry that is named like a derivation, sorted."""
    return [f"dref:{name}" for name in sorted(os.listdir(objects)) if _DRV.fullmatch(name)]


def rrefs(objects: str, dref: str) -> list[str]:
    """Every entry of a derivation's folder that is named like a realization, sorted."""
    try:
        names = sorted(os.listdir(place(objects, dref)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [f"rref:{name}-{dref[5:]}" for name in names if _HASH.fullmatch(name)]


def good_rrefs(objects: str, dref: str) -> list[str]:
    """The realizations of a derivation that are what their names say, sorted."""
    return [rref for rref in rrefs(objects, dref) if not wrong(objects, rref)]


def wrong(objects: str, ref: str) -> str:
    """Say what is wrong with an object first of all; empty if it is what its name says."""
    try:
        if ref.startswith("dref:"):
            return _wrong_config(objects, ref)
        return next(_faults(objects, ref), "")
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


def _canonical(value: object) -> bytes:
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def _named(domain: bytes, data: bytes) -> str:
    return sha256(domain + b"\0" + data).hexdigest()[:32]


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError(f"{path} is no regular file")
        return file.read()


def config(objects: str, dref: str) -> Any:
    """Read a config."""
    return json.loads(_read(f"{place(objects, dref)}/config.json"))


def _wrong_config(objects: str, dref: str) -> str:
    raw = _read(f"{place(objects, dref)}/config.json")
    if _named(b"pylightnix-config-v1", raw) != dref[5:37]:
        return "the hash of the config is not that of the derivation"
    value = json.loads(raw)
    if _canonical(value) != raw:
        return "the config is not canonical"
    if value.get("name", "unnamed") != dref[38:]:
        return "the config is of another name"
    return ""


def deps(value: object) -> set[str]:
    """Every string in a config that is the reference of a derivation."""
    if isinstance(value, str):
        return {value} if _DREF.fullmatch(value) else set()
    if isinstance(value, dict):
        return {dep for item in value.values() for dep in deps(item)}
    if isinstance(value, list):
        return {dep for item in value for dep in deps(item)}
    return set()


def context(objects: str, rref: str) -> dict[str, list[str]]:
    """Read the context of a realization."""
    raw = _read(f"{place(objects, rref)}/.pylightnix/manifest.json")
    found: dict[str, list[str]] = json.loads(raw)["context"]
    return found


def _faults(objects: str, rref: str) -> Iterator[str]:
    folder = place(objects, rref)
    for inner in ("", "/.pylightnix"):
        if not stat.S_ISDIR(os.lstat(folder + inner).st_mode):
            yield f"{inner or rref} is no folder"
    raw = _read(f"{folder}/.pylightnix/manifest.json")
    if _named(b"pylightnix-realization-v1", raw) != rref[5:37]:
        yield "the hash of the manifest is not that of the realization"
    value = json.loads(raw)
    if _canonical(value) != raw or list(value) != ["context", "dref", "entries", "version"]:
        yield "the manifest is not canonical"
    if value["version"] != 1 or value["dref"] != f"dref:{rref[38:]}":
        yield "the manifest is of another derivation or version"
    yield from _context_faults(value["context"])
    entries = value["entries"]
    paths = [entry[0].encode() for entry in entries]
    if paths != sorted(set(paths)):
        yield "the entries are not sorted, or not unique"
    found = sorted(_tree(folder), key=lambda entry: os.fsencode(str(entry[0])))
    if found != entries:
        missing = [entry for entry in entries if entry not in found]
        extra = [entry for entry in found if entry not in entries]
        yield f"the manifest says {missing[:3]}, and there is {extra[:3]}"


def _context_faults(lists: Any) -> Iterator[str]:
    for dep, used in lists.items():
        if not _DREF.fullmatch(dep) or used != sorted(used):
            yield f"the context of {dep} is not sorted, or of no derivation"
        for rref in used:
            match = _RREF.fullmatch(rref)
            if match is None or f"dref:{match[2]}" != dep:
                yield f"the context has {rref} for {dep}"


def _tree(folder: str) -> Iterator[list[object]]:
    """The entries of everything below an object, our own files left out."""
    todo = [""]
    while todo:
        prefix = todo.pop()
        for name in os.listdir(f"{folder}/{prefix}"):
            path = prefix + name
            if path == ".pylightnix":
                # Of an object without entries all is there while a copy program still brings
                # build.json, under a name of its own.
                names = os.listdir(f"{folder}/{path}")
                strange = [name for name in names if not _OURS.fullmatch(name)]
                if strange:
                    yield [f"{path}/{min(strange)}", "a stranger"]
                continue
            mode = os.lstat(f"{folder}/{path}").st_mode
            if stat.S_ISDIR(mode):
                todo.append(f"{path}/")
                yield [path, "d"]
            elif stat.S_ISLNK(mode):
                yield [path, "l", os.readlink(f"{folder}/{path}")]
            else:
                data = _read(f"{folder}/{path}")
                kind = "x" if mode & 0o111 else "f"
                yield [path, kind, len(data), sha256(data).hexdigest()]


def lacking(objects: str, refs: Iterable[str]) -> list[str]:
    """Everything that references reach and that is missing or damaged, with what is wrong.

    A derivation reaches those that its config mentions; a realization its derivation, and the
    realizations in its context.
    """
    found: list[str] = []
    seen: set[str] = set()
    todo = list(refs)
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            fault, reached = _look(objects, one)
        except OSError as error:  # it vanished while we looked
            fault, reached = str(error), set()
        if fault:
            found.append(f"{one}: {fault}")
        todo += reached
    return found


def _look(objects: str, ref: str) -> tuple[str, set[str]]:
    """What is wrong with one thing, and what it reaches if nothing is."""
    if fault := wrong(objects, ref):
        return fault, set()
    if ref.startswith("dref:"):
        return "", deps(config(objects, ref))
    used = context(objects, ref)
    home = f"dref:{ref[38:]}"
    reached = {home, *(rref for chosen in used.values() for rref in chosen)}
    if not wrong(objects, home) and set(used) != deps(config(objects, home)):
        return "its context is not of its direct dependencies", reached
    return "", reached


def listing(top: str, skip: tuple[str, ...] = ()) -> dict[str, tuple[int, object]]:
    """Path -> mode and contents (or target), of all below a folder; `skip`: beginnings of paths."""
    found: dict[str, tuple[int, object]] = {}
    for home, folders, files in os.walk(top):
        at = "" if home == top else os.path.relpath(home, top) + "/"
        folders[:] = [name for name in folders if not f"{at}{name}".startswith(skip)]
        for name in (*folders, *files):
            full, path = f"{home}/{name}", f"{at}{name}"
            if path.startswith(skip):
                continue
            mode, data = os.lstat(full).st_mode, None
            if stat.S_ISREG(mode):
                data = sha256(_read(full)).hexdigest()
            elif stat.S_ISLNK(mode):
                data = os.readlink(full)
            found[path] = (mode, data)
    return found
