"""What hypothesis makes of our values: names, references, configs, graphs, trees and manifests."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import TypeAlias

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy, composite

from pylightnix.core.config import selfref
from pylightnix.core.manifest import META, Entry, Manifest
from pylightnix.core.refs import DRef, RRef, isdref, mkdref, mkrref

NAME_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

Dag: TypeAlias = dict[DRef, tuple[DRef, ...]]
"""Derivation -> what it needs directly; in the order of keys dependencies come first."""
Node: TypeAlias = "tuple[str, bytes] | tuple[str, str] | tuple[str]"
"""`("f"|"x", contents)`, `("l", target)` or `("d",)`."""
Tree: TypeAlias = Mapping[str, Node]
"""Path (`/` between parts) -> what is there; every folder has an entry of its own."""

# Laws that write to the disk are dearer than those about values.
few = settings(max_examples=max(5, settings().max_examples // 5))


@cache
def names() -> SearchStrategy[str]:
    """Names of derivations, the shortest and the longest too."""
    longest = st.sampled_from(NAME_CHARS).map(lambda char: char * 128)
    return st.text(NAME_CHARS, min_size=1, max_size=9) | longest


@cache
def hashes() -> SearchStrategy[str]:
    """The 32 hex digits of a reference; drawn as one number, which is ten times faster."""
    return st.integers(0, 16**32 - 1).map(lambda number: f"{number:032x}")


@cache
def drefs() -> SearchStrategy[DRef]:
    return st.builds(mkdref, hashes(), names())


def rrefs(dref: DRef | None = None) -> SearchStrategy[RRef]:
    """References of realizations; of one derivation, if it is given."""
    if dref is None:
        return st.builds(mkrref, hashes(), hashes(), names())
    return st.builds(mkrref, hashes(), st.just(dref[5:37]), st.just(str(dref[38:])))


@cache
def texts() -> SearchStrategy[str]:
    """Any text that has a UTF-8 form."""
    return st.text(st.characters(codec="utf-8"), max_size=10)


@cache
def jsons() -> SearchStrategy[object]:
    """Values that a config may hold; what equals and is not the same (1, 1.0, True) comes often."""
    twins = st.sampled_from([0, 0.0, -0.0, False, "", None, 1, 1.0, True, "1", "é", "e\u0301"])
    leaves = (
        twins
        | st.integers()
        | st.integers(min_value=2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts()
        | drefs().map(str)
    )
    path = st.tuples(drefs().map(str), st.sampled_from(["a", "b c", "é"])).map(list)

    def containers(inner: SearchStrategy[object]) -> SearchStrategy[object]:
        # A list that begins with a reference is a path, and not everything can be a part of one.
        lists = st.lists(inner, max_size=4).filter(lambda items: not (items and _is_head(items[0])))
        return lists | st.dictionaries(texts(), inner, max_size=4)

    return st.recursive(leaves | path, containers, max_leaves=12)


def _is_head(value: object) -> bool:
    return value == selfref or isdref(value)


@cache
def configs() -> SearchStrategy[dict[str, object]]:
    """Dictionaries that `mkconfig` takes, with and without a name."""
    fields = st.dictionaries(texts().filter(lambda key: key != "name"), jsons(), max_size=5)
    named = st.builds(lambda found, name: {**found, "name": name}, fields, names())
    return fields | named


def shuffled(draw: st.DrawFn, value: object) -> object:
    """The same value with the keys of every dictionary in another order."""
    if isinstance(value, dict):
        keys = draw(st.permutations(list(value)))
        return {key: shuffled(draw, value[key]) for key in keys}
    if isinstance(value, list):
        return [shuffled(draw, item) for item in value]
    return value


def node(number: int) -> DRef:
    """The derivation of a small number; those of different numbers differ."""
    return mkdref(f"{number:032x}", f"n{number}")


def results(dref: DRef, numbers: tuple[int, ...]) -> tuple[RRef, ...]:
    """Realizations of a derivation, one for each small number."""
    return tuple(mkrref(f"{number:032x}", dref[5:37], str(dref[38:])) for number in numbers)


@composite
def dags(draw: st.DrawFn, max_size: int = 8) -> Dag:
    """Graphs without cycles: chains, fans, diamonds, islands."""
    size = draw(st.integers(1, max_size))
    dag: Dag = {}
    for number in range(size):
        below = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        dag[node(number)] = tuple(node(n) for n in sorted(below))
    return dag


@cache
def graphs() -> SearchStrategy[dict[int, list[int]]]:
    """Any graph of small numbers: with cycles, repeated arrows and nodes without an entry."""
    numbers = st.integers(0, 7)
    return st.dictionaries(numbers, st.lists(numbers, max_size=4), max_size=8)


@cache
def file_names() -> SearchStrategy[str]:
    """Names of files: plain ones, some that differ by case or Unicode form alone, and any other."""
    close = st.sampled_from(["a", "A", "b", "é", "e\u0301", "a.b", "-", "~", "名", "\n", "\\"])
    wild = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
    return (close | wild).filter(lambda name: name not in (".", "..", META))


@cache
def trees(max_leaves: int = 8) -> SearchStrategy[Tree]:
    """Trees of files, executable files, links (dangling too) and folders (empty too)."""
    contents = st.binary(max_size=20) | st.sampled_from([b"", b"a", b"b"])
    target = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
    leaf: SearchStrategy[object] = st.one_of(
        st.tuples(st.just("f"), contents),
        st.tuples(st.just("x"), contents),
        st.tuples(st.just("l"), target | st.sampled_from(["a", "../a", "/"])),
    )

    def folder(inner: SearchStrategy[object]) -> SearchStrategy[object]:
        return st.dictionaries(file_names(), inner, max_size=4)

    inside = st.recursive(leaf, folder, max_leaves=max_leaves)
    return st.dictionaries(file_names(), inside, max_size=4).map(_flat)


@composite
def tree_pairs(draw: st.DrawFn) -> tuple[Tree, Tree]:
    """Two trees that are equal, differ in one small thing, or have nothing in common."""
    one = draw(trees())
    leaves = [path for path in one if not any(other.startswith(f"{path}/") for other in one)]
    change = draw(st.sampled_from(["none", "all", "kind", "name", "less", "border", "contents"]))
    if change == "all" or (change != "none" and not leaves):
        return one, draw(trees())
    two = dict(one)
    if change == "none":
        return one, dict(reversed(two.items()))
    path = draw(st.sampled_from(leaves))
    item = two.pop(path)
    text = item[1] if len(item) == 2 else ""
    data = text.encode() if isinstance(text, str) else text
    if change == "kind":
        others: list[Node] = [("f", data), ("x", data), ("d",)]
        two[path] = draw(st.sampled_from([other for other in others if other != item]))
    elif change == "name":
        two[f"{path}-renamed."] = item  # longer than any name drawn, so that nothing is called so
    elif change == "border":
        two[f"{path}-divided"], two[path] = ("f", data[:1]), ("f", data[1:])
    elif change == "contents":
        two[path] = ("f", data + b"\0")
    return one, two


def _flat(folder: Mapping[str, object], prefix: str = "") -> Tree:
    flat: dict[str, Node] = {}
    for name, item in folder.items():
        if isinstance(item, dict):
            flat[prefix + name] = ("d",)
            flat.update(_flat(item, f"{prefix}{name}/"))
        else:
            flat[prefix + name] = item  # type: ignore[assignment]
    return flat


def plant(tree: Tree, folder: str | os.PathLike[str], *, private: bool = False) -> None:
    """Make a tree below a folder that is there, entry by entry in the order of the mapping.

    Modes other than the x bit do not count; `private` takes others.
    """
    modes = {"f": 0o600, "x": 0o711} if private else {"f": 0o644, "x": 0o755}
    for path, item in tree.items():
        place = os.path.join(folder, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        match item:
            case ("f" | "x" as kind, bytes(data)):
                with open(place, "wb") as file:
                    file.write(data)
                os.chmod(place, modes[kind])
            case ("l", str(target)):
                os.symlink(target, place)
            case _:
                os.makedirs(place, exist_ok=True)


def entries_of(tree: Tree) -> list[Entry]:
    """The entries that the manifest of a tree has, in no particular order."""
    entries: list[Entry] = []
    for path, item in tree.items():
        match item:
            case ("f" | "x" as kind, bytes(data)):
                entries.append((path, kind, len(data), sha256(data).hexdigest()))
            case ("l", str(target)):
                entries.append((path, "l", target))
            case _:
                entries.append((path, "d"))
    return entries


def tree_at(folder: str) -> dict[str, Node]:
    """Read a tree back from the disk, in another way than the library does."""
    found: dict[str, Node] = {}
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            place = os.path.join(where, name)
            path = os.path.relpath(place, folder)
            mode = os.lstat(place).st_mode
            if stat.S_ISLNK(mode):
                found[path] = ("l", os.readlink(place))
            elif stat.S_ISDIR(mode):
                found[path] = ("d",)
            else:
                with open(place, "rb") as file:
                    found[path] = ("x" if mode & 0o100 else "f", file.read())
    return found


@cache
def manifests() -> SearchStrategy[Manifest]:
    """Manifests with a context and entries in any order."""
    contexts = st.dictionaries(drefs(), st.lists(hashes(), max_size=3, unique=True), max_size=3)

    def manifest(dref: DRef, found: dict[DRef, list[str]], tree: Tree, first: int) -> Manifest:
        context = {
            dep: tuple(sorted(mkrref(rhash, dep[5:37], dep[38:]) for rhash in rhashes))
            for dep, rhashes in found.items()
        }
        entries = entries_of(tree)
        return Manifest(dref, context, (*entries[first:], *entries[:first]))

    return st.builds(manifest, drefs(), contexts, trees(), st.integers(0, 9))
