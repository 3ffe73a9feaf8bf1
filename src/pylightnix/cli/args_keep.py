"""What the commands for what stays and what goes take: gc, root."""

from __future__ import annotations

from argparse import ArgumentParser

from .words import Add, natural


def declare(add: Add) -> None:
    """Declare them."""
    for command in (_gc, _root):
        command(add)


def _gc(add: Add) -> None:
    parser = add(
        "gc",
        "cmd_keep:gc",
        "delete what no root, link or process needs; the last collection can be undone",
        details="""\
Without options everything goes that nobody needs and that came more than an hour ago; the options
spare some of it. It lies in the trash until the next collection.
T is a span of time: seconds, or 90s, 30m, 2h, 3d, 1w. SIZE is in bytes, or 500K, 500M, 2G, 1T,
counted in steps of 1024. --undo and --empty-trash go alone.""",
        json="""\
{dead: [{bytes, reason, ref}, ...], dry_run, freed_bytes, kept, leftovers: [{bytes, path, what},
...], trash}; with --undo {back: [ref, ...]}; with --empty-trash {freed_bytes}.""",
    )
    _spare(parser)
    parser.add_argument("--dry-run", action="store_true", help="name each victim; change nothing")
    parser.add_argument(
        "--leftovers",
        action="store_true",
        help="take away just what interrupted work left behind, older than the grace time",
    )
    parser.add_argument("--undo", action="store_true", help="bring the last collection back")
    parser.add_argument(
        "--empty-trash",
        action="store_true",
        help="delete the last collection for good, and what was put into quarantine",
    )


def _spare(parser: ArgumentParser) -> None:
    """Declare what spares some of what nobody needs."""
    parser.add_argument("--grace", metavar="T", help="spare what came within T (default 1h)")
    parser.add_argument("--older-than", metavar="T", help="collect only what came before T")
    parser.add_argument(
        "--keep-last",
        metavar="N",
        type=natural,
        help="of each derivation, spare the N realizations built last",
    )
    parser.add_argument(
        "--keep-best",
        metavar="FILE:N",
        help="of each derivation, spare the N realizations with the highest number in FILE",
    )
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        help="collect only as much, longest ago built first, as brings the store down to SIZE",
    )
    parser.add_argument(
        "--keep",
        metavar="REF",
        nargs="+",
        action="extend",
        default=[],
        help="roots too: objects, or folders with symlinks into the store",
    )


def _root(add: Add) -> None:
    add(
        "root",
        "",
        "name objects that must stay, with all that they need",
        json="what `add`, `list` and `rm` say.",
        below=_roots,
    )


def _roots(add: Add) -> None:
    parser = add(
        "add",
        "cmd_keep:root_add",
        "keep an object under a name",
        details="""\
Of a derivation all realizations are kept. A root of that name is replaced.""",
        json="{name, ref}.",
    )
    parser.add_argument("name", metavar="NAME", help="letters, digits, _ and -")
    parser.add_argument("ref", metavar="REF")
    add("list", "cmd_keep:root_list", "list the names and what they keep", json="{name: ref}.")
    parser = add(
        "rm",
        "cmd_keep:root_rm",
        "forget a name; what it kept may be collected from now on",
        json="{name}.",
    )
    parser.add_argument("name", metavar="NAME")
