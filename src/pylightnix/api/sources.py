"""What a function is made of: its code and that of all it uses in its package, as digests.

That is how a change of the code becomes another derivation, and how `why` knows what has changed.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from copy import copy
from types import ModuleType
from typing import Any, NamedTuple

from pylightnix.core.names import uses_of
from pylightnix.core.syntax import digest

from .codefiles import Piece, piece_of_class, piece_of_code, piece_of_module
from .constants import ATOMS, CODE, bare, constant_of
from .scopes import MISSING, Look, Scope, homes, top


class NotTracked(UserWarning):
    """A function uses something whose changes nobody will notice."""


class _Seen(NamedTuple):
    """One look at the world: how to repeat it, and what was seen."""

    look: Look
    was: object
    by_value: bool

    def holds(self) -> bool:
        now = self.look()
        return constant_of(now) == self.was if self.by_value else now is self.was


class _Part(NamedTuple):
    """One thing that counts: its name, the digest of itself alone, and where its names lead."""

    name: str
    own: str
    leads: dict[str, Hashable]


class Sources:
    """The code of one function, followed to all that it uses; a stateful handle.

    Args:
        function: where to begin.
        more: further functions, classes, modules and values that count.
        drop: tells of a decorator of `function` that it does not count, and those above neither.
    """

    def __init__(self, function: Any, more: Iterable[Any], drop: Callable[[object], bool]) -> None:
        self._root, self._more, self._drop = bare(function), tuple(more), drop
        self._seen: list[_Seen] = []
        self._found: dict[str, str] = {}
        self._told: set[str] = set()

    def parts(self) -> dict[str, str]:
        """Give every part with its digest; the same object until something has changed.

        Effects: warns, once, of what cannot be followed.
        """
        if not self._seen or not all(seen.holds() for seen in self._seen):
            walk = _Walk(self._root, self._drop)
            walk.add_root(self._root)
            for i, thing in enumerate(self._more):
                walk.add(thing, f"sourcedeps[{i}]", anywhere=True)
            self._found, self._seen = _digests(walk.parts), walk.seen
            for line in walk.untracked.keys() - self._told:
                self._told.add(line)
                warnings.warn(line, NotTracked, stacklevel=5)
        return self._found


def _digests(parts: Mapping[Hashable, _Part]) -> dict[str, str]:
    """Name the parts; where several have one name, they are told apart by what they are."""
    count = Counter(part.name for part in parts.values())
    found: dict[str, set[str]] = {}
    for part in parts.values():
        leads = []
        for path, key in sorted(part.leads.items()):
            name, own, _ = parts[key]
            leads.append(f"{path}={name}" if count[name] == 1 else f"{path}={name}:{own}")
        found.setdefault(part.name, set()).add(digest(part.own, *leads))
    return {
        name if i == 0 else f"{name}#{i + 1}": each
        for name, digests in found.items()
        for i, each in enumerate(sorted(digests))
    }


class _Walk:
    """One walk over a function and what it uses."""

    def __init__(self, root: Any, drop: Callable[[object], bool]) -> None:
        self._home, self._name, self._drop = homes(root), root.__qualname__, drop
        self.parts: dict[Hashable, _Part] = {}
        self.seen: list[_Seen] = [_Seen(lambda: root, root, by_value=False)]
        self.untracked: dict[str, None] = {}

    def add_root(self, root: Any) -> None:
        piece = piece_of_code(root.__code__)
        if piece is None:
            self._by_bytecode(root)
            return
        scope = Scope(root, self._home)
        kept = _undecorated(piece, lambda mark: self._drop(scope.value(mark)))
        self._follow(kept, id(root), root.__name__, scope)

    def add(self, thing: Any, name: str, *, anywhere: bool = False) -> Hashable:
        """Note something that is used; gives its key among the parts, or None if it is foreign."""
        thing = bare(thing)
        if getattr(builtins, name, MISSING) is thing:
            return None  # IPython has an `open` of its own, made of this one
        if not isinstance(thing, CODE):
            return self._value(thing, name, anywhere=anywhere)
        module = thing.__name__ if isinstance(thing, ModuleType) else thing.__module__
        if not anywhere and top(module) not in self._home:
            return None
        if isinstance(thing, ModuleType):
            return self._module(thing)
        if id(thing) not in self.parts:
            if isinstance(thing, type):
                piece = piece_of_class(thing)
            else:
                piece = piece_of_code(thing.__code__)
            if piece is None:
                self._by_bytecode(thing)
            else:
                name = thing.__qualname__.replace("<locals>.", "")
                self._follow(piece, id(thing), name, Scope(thing, self._home))
        return id(thing)

    def _follow(self, piece: Piece, key: int, label: str, scope: Scope) -> None:
        part = self.parts[key] = _Part(label, piece.digest, {})
        for path in piece.uses.paths:
            steps = list(scope.steps(path, piece.uses.imports))
            for look, target in steps:
                self._note(look, target)
            # Behind what is no module come attributes, which belong to it.
            name, (_, target) = path[len(steps) - 1], steps[-1]
            lead = None if target is MISSING else self.add(target, name)
            if lead is not None:
                part.leads[".".join(path)] = lead

    def _note(self, look: Look, target: object) -> None:
        plain = target is MISSING or isinstance(bare(target), (*ATOMS, *CODE))
        self.seen.append(_Seen(look, target if plain else constant_of(target), not plain))

    def _value(self, thing: object, name: str, *, anywhere: bool) -> Hashable:
        found = constant_of(thing)
        for what in found.opaque:
            self._say(f"`{name}` holds a {what}, and changes inside it are not noticed")
        key = (name, found.text)
        if key not in self.parts:
            part = self.parts[key] = _Part(name, digest(found.text), {})
            for i, inner in enumerate(found.inside):
                lead = self.add(inner, name, anywhere=anywhere)
                if lead is not None:
                    part.leads[str(i)] = lead
        return key

    def _module(self, module: ModuleType) -> Hashable:
        piece = piece_of_module(module)
        if piece is None:
            return None
        self.parts[id(module)] = _Part(module.__name__.rpartition(".")[2], piece.digest, {})
        return id(module)

    def _by_bytecode(self, thing: Any) -> None:
        """Note code whose source cannot be found, as that of a named tuple or a typed-in line."""
        name = thing.__qualname__.replace("<locals>.", "")
        code = getattr(thing, "__code__", None)
        fields = getattr(thing, "_fields", None)
        if code is not None:
            atoms = constant_of([item for item in code.co_consts if isinstance(item, ATOMS)])
            own = f"{code.co_code.hex()} {code.co_names} {atoms.text}"
        else:
            own = f"{name} {fields}"
        self.parts[id(thing)] = _Part(name, digest(own), {})
        if fields is None:
            what = "bytecode, of this version of Python," if code is not None else "name"
            self._say(f"the source code of {name} cannot be found, so it counts by its {what} only")

    def _say(self, what: str) -> None:
        line = (
            f"{self._name}: {what}. Pass it as an argument, name what it is made from in "
            'sourcedeps=[...], or take the matter into your hands with version="..."'
        )
        self.untracked[line] = None


def _undecorated(piece: Piece, is_stage_maker: Callable[[ast.expr], bool]) -> Piece:
    """Leave out what is in the config already: defaults, and the decorator that makes a stage."""
    tree: Any = copy(piece.tree)
    tree.args = copy(tree.args)
    tree.args.defaults, tree.args.kw_defaults = [], []
    marks = getattr(tree, "decorator_list", [])
    own = [i for i, mark in enumerate(marks) if is_stage_maker(mark)]
    if own:
        tree.decorator_list = marks[own[-1] + 1 :]
    return Piece(tree, digest(tree), uses_of(tree))
