"""Everything that is answered with the index, and the same found out without one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import zip_longest
from typing import Any, TypeAlias

from pylightnix import (
    PylightnixError,
    RRef,
    Store,
    du,
    find,
    gc,
    plan,
    store_context,
    store_gc,
    store_rrefs,
    table,
    why,
)
from pylightnix.api.ambient import resolved
from pylightnix.core.value import changed
from pylightnix.store.index import Index
from pylightnix.store.ingest import hash_path
from pylightnix.store.survey import outlines

from . import audit
from .index_days import World

Answers: TypeAlias = dict[str, object]


class Forgetful(Index):
    """An index that remembers nothing."""

    __slots__ = ()

    def get(self, table: str, key: str) -> None:
        return None

    def put(self, table: str, key: str, body: str) -> None:
        return None

    def load(self, table: str, keys: Iterable[str]) -> Mapping[str, str]:
        return {}


def _forgetful(world: World) -> Store:
    return changed(world.store, index=Forgetful(""))


def answers(world: World) -> Answers:
    """Ask the library as it is."""
    return _asked(world, lambda: resolved(world.store))


def truth(world: World) -> Answers:
    """Ask it without an index, for each question anew; and an independent reader, what it can."""
    found = _asked(world, lambda: _forgetful(world))
    objects, everything = world.store.objects, list[str]()
    for dref in audit.drefs(objects):
        if os.path.isfile(f"{audit.place(objects, dref)}/config.json"):
            everything += audit.good_rrefs(objects, dref)
    for dref in world.closure.needs:
        found[f"rrefs of {dref}"] = good = audit.good_rrefs(objects, dref)
        for rref in good[:2]:
            used = audit.context(objects, rref)
            same = [other for other in good if audit.context(objects, other) == used]
            found[f"context of {rref}"] = same
    found["find"] = everything
    found["find by name"] = [rref for rref in everything if rref[71:].startswith("user1")]
    for dref, (_, parts) in du(_forgetful(world)).items():
        found[f"sizes of {dref}"] = {rref: _bytes(audit.place(objects, rref)) for rref in parts}
    return found


def _bytes(folder: str) -> int:
    total = 0
    for home, _, files in os.walk(folder):
        found = (os.lstat(f"{home}/{name}") for name in files)
        total += sum(status.st_size for status in found if stat.S_ISREG(status.st_mode))
    return total


def _asked(world: World, where: Callable[[], Store]) -> Answers:
    """Everything, through the published functions; each question of `where()`."""
    found: Answers = {}
    for dref in sorted(world.closure.needs):
        rrefs = found[f"rrefs of {dref}"] = store_rrefs(dref, store=where())
        for rref in rrefs[:2]:
            context = store_context(rref, store=where())
            found[f"context of {rref}"] = store_rrefs(dref, context, store=where())
    some = store_rrefs(sorted(world.closure.needs)[0], store=where())
    for ref in (*sorted(world.closure.needs)[:3], *some[:2]):
        found[f"why {ref}"] = _said(partial(why, ref, where()))
    closure = changed(world.closure, store=where())
    found["plan"] = [(item.verdict, item.rrefs, item.reason) for item in plan(closure).items]
    found["why the closure"] = _said(partial(why, changed(world.closure, store=where())))
    found["list"] = list(outlines(where()))
    found["du"] = sizes = du(where())
    found.update({f"sizes of {dref}": parts for dref, (_, parts) in sizes.items()})
    found["find"] = find(store=where())
    found["find by name"] = find("user1*", store=where())
    found["find by time"] = find(newer=-3600, store=where())
    found["table"] = list(table(None, {"text": "text"}, store=where()))
    for last in (None, 1):
        dead = gc(grace_s=0, keep_last=last, dry_run=True, store=where()).dead
        found[f"gc, kept {last}"] = [(victim.ref, victim.bytes, victim.reason) for victim in dead]
    found["store_gc"] = store_gc([], [], store=where())
    found["fetchlocal"] = hash_path(where(), world.outside)
    return found


def _said(ask: Callable[[], object]) -> str:
    try:
        return str(ask())
    except PylightnixError as error:  # what is asked about may be gone
        return f"{type(error).__name__}: {error}"


def hits(found: Answers) -> dict[str, tuple[RRef, ...]]:
    """What a plan takes as it is there."""
    items: Any = found["plan"]
    return {f"dref:{rrefs[0][38:]}": rrefs for verdict, rrefs, _ in items if verdict == "hit"}


def differences(expected: Answers, found: Answers) -> list[str]:
    """What was answered otherwise."""
    keys = sorted({*expected, *found})
    return [
        f"{key}: {_first(expected.get(key), found.get(key))}"
        for key in keys
        if expected.get(key) != found.get(key)
    ]


def _first(expected: Any, found: Any) -> str:
    """The first difference of two answers."""
    if isinstance(expected, dict) and isinstance(found, dict):
        expected, found = sorted(expected.items()), sorted(found.items())
    if isinstance(expected, list) and isinstance(found, list):
        for one, two in zip_longest(expected, found):
            if one != two:
                expected, found = one, two
                break
    return f"expected {expected!r:.300}, got {found!r:.300}"
