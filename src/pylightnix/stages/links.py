"""Where the symbolic links of an archive lead, worked out without touching a disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast

from .entries import Parts

_MOST_HOPS = 40  # as many as Linux follows in one look-up
_MOST_PARTS = 256  # of a target, and of the place where it lands

# The links as a tree: a folder that holds links is a dict, a link is its target. No link lies below
# another one.
_Tree: TypeAlias = "dict[str, _Tree | str]"
_NOTHING: _Tree = {}


class _Astray(Exception):
    """A link that must not be made, with the cause as its text."""


def stray_link(links: Mapping[Parts, str]) -> tuple[Parts, str] | None:
    """The first link that leads out, in a circle, or through too many others, and why.

    Every link is followed through the others as a kernel would, and read as plain text as well,
    because tools that only normalise text would otherwise be led out. Takes time in proportion to
    the text of the links. None if all are well.
    """
    tree: _Tree = {}
    for link, target in links.items():
        _plant(tree, link, target)
    known: dict[Parts, tuple[Parts, int]] = {}
    for link, target in links.items():
        try:
            _read_as_text(link[:-1], target)
            _landing(tree, link, known, ())
        except _Astray as astray:
            return link, f"is a link to {target[:80]!r}, which {astray}"
    return None


def _plant(tree: _Tree, link: Parts, target: str) -> None:
    """Put one link into the tree."""
    for part in link[:-1]:
        tree = cast(_Tree, tree.setdefault(part, {}))
    tree[link[-1]] = target


def _walked(tree: _Tree, folder: Iterable[str]) -> list[_Tree]:
    """The nodes from the top down to a folder."""
    nodes = [tree]
    for part in folder:
        nodes.append(_below(nodes[-1], part))
    return nodes


def _below(node: _Tree, part: str) -> _Tree:
    """The folder of this name; one without links in it if there is none."""
    child = node.get(part)
    return child if isinstance(child, dict) else _NOTHING


def _read_as_text(folder: Parts, target: str) -> None:
    """Raise if a target leaves the top when its parts are merely counted."""
    parts, depth = target.split("/"), len(folder)
    if len(parts) > _MOST_PARTS:
        raise _Astray("is too long")
    for part in parts:
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            raise _Astray("leads out of the archive")


def _landing(
    tree: _Tree, link: Parts, known: dict[Parts, tuple[Parts, int]], via: tuple[Parts, ...]
) -> tuple[Parts, int]:
    """Where a link ends and how many links that takes, its own included."""
    if link in known:
        return known[link]
    if link in via:
        raise _Astray("goes in a circle")
    at, nodes, hops = list(link[:-1]), _walked(tree, link[:-1]), 1
    for part in str(nodes[-1][link[-1]]).split("/"):
        if part == "..":
            if not at:
                raise _Astray("leads out of the archive")
            at.pop()
            nodes.pop()
        elif part not in ("", "."):
            at.append(part)
            if isinstance(nodes[-1].get(part), str):
                landed, more = _landing(tree, tuple(at), known, (*via, link))
                at, nodes, hops = list(landed), _walked(tree, landed), hops + more
            else:
                nodes.append(_below(nodes[-1], part))
        if max(hops, len(via)) > _MOST_HOPS or len(at) > _MOST_PARTS:
            raise _Astray(f"goes through more than {_MOST_HOPS} links")
    known[link] = tuple(at), hops
    return known[link]
