"""What stays in the store and what goes: gc, root."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from pylightnix.api.keep import gc as collect
from pylightnix.api.keep import gc_empty_trash, gc_undo, gcroot, gcroots, rmroot
from pylightnix.core.errors import InvalidValue
from pylightnix.core.legible import size
from pylightnix.core.refs import isdref, isrref
from pylightnix.store.gc import Collection
from pylightnix.store.lookup import resolve
from pylightnix.store.usage import path_of

from .exits import DONE
from .out import say, say_json, say_lines
from .pick import program, store_of
from .sizes import bytes_of
from .text import columns, count, escaped
from .times import span

GRACE = "1h"
_POLICY = ("older_than", "keep_last", "keep_best", "max_size", "keep")


def gc(args: Namespace) -> int:
    """Collect garbage, or undo that, or make it final."""
    others = [name for name in ("grace", "dry_run", "leftovers", *_POLICY) if _given(args, name)]
    if args.undo:
        _alone("undo", [*others, *(["empty_trash"] if args.empty_trash else [])])
        return _undo(args)
    if args.empty_trash:
        _alone("empty_trash", others)
        return _empty_trash(args)
    if args.leftovers:
        _alone("leftovers", [name for name in _POLICY if _given(args, name)])
    return _collect(args)


def _given(args: Namespace, name: str) -> bool:
    value = getattr(args, name)
    return value is not None and value is not False and value != []


def _alone(name: str, others: Iterable[str]) -> None:
    for other in others:
        a, b = (f"--{option.replace('_', '-')}" for option in (name, other))
        raise InvalidValue(f"{a} does not go with {b}: give one of them")


def _collect(args: Namespace) -> int:
    store = store_of(args)
    for text in args.keep:
        if isdref(text) or isrref(text):
            path_of(store, resolve(store, text))  # one that is not here was mistyped
    found = collect(
        keep=args.keep,
        max_bytes=None if args.max_size is None else bytes_of(args.max_size),
        older_than_s=None if args.older_than is None else span(args.older_than),
        keep_last=args.keep_last,
        keep_best=None if args.keep_best is None else _best(args.keep_best),
        grace_s=span(args.grace or GRACE),
        dry_run=args.dry_run,
        leftovers_only=args.leftovers,
        store=store,
    )
    if args.json:
        say_json(_json(found, dry_run=args.dry_run))
    elif args.dry_run:
        say_lines(_victims(found))
        say(f"would delete {_summary(found)}")
    else:
        say(f"deleted {_summary(found)}")
        if found.trash is not None:
            say(
                f"to bring the objects back: `{program(args)} gc --undo`; "
                f"to have their room at once: `{program(args)} gc --empty-trash`"
            )
    return DONE


def _best(text: str) -> tuple[str, int]:
    file, colon, number = text.rpartition(":")
    if not (file and colon and number.isascii() and number.isdecimal()):
        raise InvalidValue(f"--keep-best wants FILE:N, as score.txt:3, not {text!r}")
    return file, int(number)


def _victims(found: Collection) -> list[str]:
    dead = ((size(victim.bytes), victim.ref, victim.reason) for victim in found.dead)
    left = ((size(item.size_bytes), escaped(item.path), item.what) for item in found.leftovers)
    return columns([*dead, *left], right=(0,))


def _summary(found: Collection) -> str:
    left = f" and {count(len(found.leftovers), 'left-over')}" if found.leftovers else ""
    stay = f"{count(found.kept, 'object')} {'stays' if found.kept == 1 else 'stay'}"
    return f"{count(len(found.dead), 'object')}{left}, {size(found.freed_bytes)}; {stay}"


def _json(found: Collection, *, dry_run: bool) -> dict[str, object]:
    return {
        "dead": [
            {"bytes": victim.bytes, "reason": victim.reason, "ref": victim.ref}
            for victim in found.dead
        ],
        "dry_run": dry_run,
        "freed_bytes": found.freed_bytes,
        "kept": found.kept,
        "leftovers": [
            {"bytes": left.size_bytes, "path": left.path, "what": left.what}
            for left in found.leftovers
        ],
        "trash": found.trash,
    }


def _undo(args: Namespace) -> int:
    back = gc_undo(store_of(args))
    if args.json:
        say_json({"back": back})
    else:
        say_lines(back)
        say(f"brought back {count(len(back), 'object')}")
    return DONE


def _empty_trash(args: Namespace) -> int:
    freed_bytes = gc_empty_trash(store_of(args))
    if args.json:
        say_json({"freed_bytes": freed_bytes})
    else:
        say(f"freed {size(freed_bytes)}")
    return DONE


def root_add(args: Namespace) -> int:
    """Keep an object under a name."""
    store = store_of(args)
    ref = resolve(store, args.ref)
    gcroot(args.name, ref, store)
    if args.json:
        say_json({"name": args.name, "ref": ref})
    else:
        say(f"{args.name} keeps {ref}")
    return DONE


def root_list(args: Namespace) -> int:
    """List the names and what they keep."""
    found = gcroots(store_of(args))
    if args.json:
        say_json(dict(found))
    else:
        say_lines(columns(found.items()))
    return DONE


def root_rm(args: Namespace) -> int:
    """Forget a name."""
    rmroot(args.name, store_of(args))
    if args.json:
        say_json({"name": args.name})
    else:
        say(f"forgot {args.name}")
    return DONE
