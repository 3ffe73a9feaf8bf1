"""Ways in which an object of a store can be damaged, and some that harm nothing."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from . import audit

MANIFEST = ".pylightnix/manifest.json"
BUILD = ".pylightnix/build.json"


@dataclass(frozen=True)
class Site:
    """Where something is going to be damaged.

    Attributes:
        objects: the folder `store-v1`.
        rref: the object.
        others: all other realizations of the store.
    """

    objects: str
    rref: str
    others: tuple[str, ...]
    rng: Random

    @property
    def dref(self) -> str:
        """The derivation of the object."""
        return f"dref:{self.rref[38:]}"

    @property
    def folder(self) -> str:
        """Where the object is."""
        return audit.place(self.objects, self.rref)

    @property
    def home(self) -> str:
        """Where its derivation is."""
        return audit.place(self.objects, self.dref)

    def some(self, kind: str) -> str | None:
        """The path of some artifact: "file" (not empty), "empty", "folder", "link" or "any"."""
        found = [path for path in sorted(_artifacts(self.folder)) if kind in ("any", _kind(path))]
        return self.rng.choice(found) if found else None


Apply = Callable[[Site], str | None]
"""Does the damage; gives the reference where it is to be found, None if it cannot be done here."""


@dataclass(frozen=True)
class Damage:
    """One way to damage an object.

    Attributes:
        quick: it is seen without reading the contents of files.
        harmless: it is none.
        notice: it harms nothing, and is told.
    """

    name: str
    apply: Apply
    quick: bool = True
    harmless: bool = False
    notice: bool = False


def _artifacts(folder: str) -> list[str]:
    found = []
    for home, folders, files in os.walk(folder):
        if home == folder:
            folders[:] = [name for name in folders if name != ".pylightnix"]
        found += [f"{home}/{name}" for name in (*folders, *files)]
    return found


def _kind(path: str) -> str:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if os.path.getsize(path) else "empty"


def opened(path: str) -> None:
    """Make a file or folder, and the folder it is in, writable for a moment's damage."""
    os.chmod(os.path.dirname(path), 0o755)
    if not os.path.islink(path) and os.path.lexists(path):
        os.chmod(path, os.lstat(path).st_mode | 0o200)


def erase(path: str) -> None:
    """Delete whatever is there."""
    opened(path)
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    for home, folders, files in os.walk(path, topdown=False):
        os.chmod(home, 0o755)
        for name in files:
            os.unlink(f"{home}/{name}")
        for name in folders:
            inner = f"{home}/{name}"
            (os.unlink if os.path.islink(inner) else os.rmdir)(inner)
    os.rmdir(path)


def overwrite(path: str, data: bytes) -> None:
    """Write other contents into a file, in place; its modes stay."""
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate()
    os.chmod(path, mode)


def read(path: str) -> bytes:
    """Read a file."""
    with open(path, "rb") as file:
        return file.read()


def flipped(data: bytes, rng: Random) -> bytes:
    """The same with one bit turned over."""
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def on(kind: str, act: Callable[[str, Random], object]) -> Apply:
    """Damage some artifact of a kind."""

    def apply(site: Site) -> str | None:
        path = site.some(kind)
        if path is None:
            return None
        act(path, site.rng)
        return site.rref

    return apply


def inside(path: str, act: Callable[[str, Random], object]) -> Apply:
    """Damage a certain path of an object; `..` is its derivation's folder."""

    def apply(site: Site) -> str | None:
        full = os.path.normpath(f"{site.folder}/{path}")
        act(full, site.rng)
        return site.dref if path.startswith("..") else site.rref

    return apply


def flip(path: str, rng: Random) -> None:
    """Turn over one bit."""
    overwrite(path, flipped(read(path), rng))


def cut(path: str, rng: Random) -> None:
    """Take off the end."""
    data = read(path)
    overwrite(path, data[: rng.randrange(len(data))])


def extend(path: str, rng: Random) -> None:
    """Add something at the end."""
    overwrite(path, read(path) + rng.randbytes(rng.randint(1, 9)))


def toggle_x(path: str, rng: Random) -> None:
    """Give or take the x bit."""
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    bit = rng.choice([0o100, 0o001, 0o111])
    os.chmod(path, mode & ~0o111 if mode & 0o111 else mode | bit)


def become(make: Callable[[str], object]) -> Callable[[str, Random], None]:
    """Put something else in the place of a path."""

    def act(path: str, rng: Random) -> None:
        del rng
        erase(path)
        make(path)

    return act


def gone(path: str, rng: Random) -> None:
    """Delete."""
    del rng
    erase(path)


def renamed(path: str, rng: Random) -> None:
    """Give another name."""
    opened(path)
    os.rename(path, f"{path}{rng.randrange(100)}")


def added(make: Callable[[str], object], name: str = "extra") -> Callable[[str, Random], None]:
    """Add an entry to a folder."""

    def act(path: str, rng: Random) -> None:
        os.chmod(path, 0o755)
        make(f"{path}/{name}{rng.randrange(100)}")

    return act


def write(path: str) -> None:
    """Make a small file."""
    with open(path, "wb") as file:
        file.write(b"something")


def link(target: str) -> Callable[[str], None]:
    """Make a symlink."""
    return lambda path: os.symlink(target, path)


def moved_behind_link(path: str, rng: Random) -> None:
    """Move away, and leave a link to where it is now."""
    elsewhere = f"{path.split('/store-v1/')[0]}/elsewhere{rng.randrange(10**9)}"
    opened(path)
    os.rename(path, elsewhere)
    os.symlink(elsewhere, path)


def edited(change: Callable[[dict[str, object], Random], object]) -> Callable[[str, Random], None]:
    """Change the value of a JSON file, and write it in canonical form."""

    def act(path: str, rng: Random) -> None:
        value = json.loads(read(path))
        before = json.dumps(value, sort_keys=True)
        change(value, rng)
        if json.dumps(value, sort_keys=True) == before:
            value["more"] = 1
        overwrite(path, audit._canonical(value))

    return act


def other_size(value: dict[str, object], rng: Random) -> None:
    """Say another size of some file."""
    entries: list[list[object]] = value["entries"]  # type: ignore[assignment]
    files = [entry for entry in entries if len(entry) == 4]
    if files:
        rng.choice(files)[2] = rng.randrange(10**6)


def less(value: dict[str, object], rng: Random) -> None:
    """Leave out an entry."""
    entries: list[object] = value["entries"]  # type: ignore[assignment]
    if entries:
        entries.pop(rng.randrange(len(entries)))


def forged(path: str, rng: Random) -> None:
    """Change a file and the manifest so that they agree: only the name tells."""
    folder = os.path.dirname(os.path.dirname(path))
    value = json.loads(read(path))
    files = [entry for entry in value["entries"] if len(entry) == 4]
    data = rng.randbytes(7)
    if files:
        entry = rng.choice(files)
        overwrite(f"{folder}/{entry[0]}", data)
        entry[2:] = [len(data), sha256(data).hexdigest()]
    else:
        value["version"] = 2
    overwrite(path, audit._canonical(value))


def pretty(path: str, rng: Random) -> None:
    """Write the same JSON in another way."""
    del rng
    overwrite(path, json.dumps(json.loads(read(path)), indent=1).encode())
