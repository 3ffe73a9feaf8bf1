"""What the commands that look into objects take: ls, cat, path, find."""

from __future__ import annotations

from .words import Add


def declare(add: Add) -> None:
    """Declare them."""
    for command in (_ls, _cat, _path, _find):
        command(add)


def _ls(add: Add) -> None:
    parser = add(
        "ls",
        "cmd_look:ls",
        "list derivations, the realizations of one, or the artifacts of one of these",
        details="""\
Without REF: every derivation, its hash, realizations, room and the age of the newest.
A derivation: its realizations, newest first: hash, end of the build, how long it took, room.
A realization: its artifacts: what (- file, x executable, d folder, l link), length, name.
What is not printable in a name is shown as an escape; links are not followed.""",
        json="""\
a list of {dref, name, newest, realizations, size_bytes},
or of {rref, seconds, size_bytes, start, stop},
or of {kind, path, sha256, size_bytes, target}, where kind is f, x, d or l.
What is unknown or does not apply is null.""",
    )
    parser.add_argument("ref", metavar="REF", nargs="?")
    parser.add_argument("path", metavar="PATH", nargs="?", help="a folder or file in a realization")


def _cat(add: Add) -> None:
    parser = add(
        "cat",
        "cmd_look:cat",
        "write an artifact as it is, byte by byte",
        json="""\
{content, encoding, path, rref, size_bytes};
encoding is utf-8, or base64 for what is no text.""",
    )
    parser.add_argument("ref", metavar="REF", help="a realization, or a derivation that has one")
    parser.add_argument("path", metavar="PATH", help="of the file inside it")


def _path(add: Add) -> None:
    parser = add(
        "path",
        "cmd_look:path",
        "print the folder of an object: cd $(pylightnix path hello)",
        details="""\
Of a derivation: the folder of its realization, which must be the only one.""",
        json="{path, ref}.",
    )
    parser.add_argument("ref", metavar="REF")
    parser.add_argument("path", metavar="PATH", nargs="?", help="of something inside it")
    parser.add_argument("--derivation", action="store_true", help="the derivation's own folder")


def _find(add: Add) -> None:
    parser = add(
        "find",
        "cmd_list:find",
        "print the realizations whose derivation has such a name, built lately",
        json="a list of RRefs.",
    )
    parser.add_argument("glob", metavar="GLOB", nargs="?", help="a pattern, as 'hello-*'")
    parser.add_argument(
        "--newer",
        metavar="T",
        help="built after T: seconds or 90s, 10m, 2h, 3d, 1w ago, a date as 2026-01-31, or @ and "
        "seconds since 1970",
    )
