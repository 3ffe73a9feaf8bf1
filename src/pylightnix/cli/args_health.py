"""What the commands for the health of a store take: verify, doctor, index."""

from __future__ import annotations

from .words import Add


def declare(add: Add) -> None:
    """Declare them."""
    for command in (_verify, _doctor, _index):
        command(add)


def _verify(add: Add) -> None:
    parser = add(
        "verify",
        "cmd_health:verify",
        "compare objects with their names, every byte of them",
        details="""\
The exit code is 4 if there is damage left. Copies that are incomplete are listed, and are no
damage. Nor are notices (write permissions, a lost build.json), which --repair mends.

TARGET is FILE.py:STAGE or PACKAGE.MODULE:STAGE, the stage that makes what is to be built again;
K=V are its arguments, V being JSON or else text.""",
        json="""\
{checked, damaged: [{path, ref, what}, ...], failure, incomplete: [as damaged], lost: [ref, ...],
notices: [as damaged], ok, repaired: [ref, ...]}.""",
    )
    parser.add_argument(
        "refs",
        metavar="REF",
        nargs="*",
        help="a derivation with all its realizations, or one of these; by default everything",
    )
    parser.add_argument(
        "--quick", action="store_true", help="compare kinds, lengths and x bits, not contents"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="put what is damaged into quarantine (var/trash), and mend notices",
    )
    parser.add_argument(
        "--target",
        metavar=("TARGET", "K=V"),
        nargs="+",
        help="with --repair: build again what this stage makes",
    )


def _doctor(add: Add) -> None:
    parser = add(
        "doctor",
        "cmd_health:doctor",
        "look the store over, and name the commands that mend it",
        details="""\
Looked at are the file system, the clock, free space, roots, left-overs, trash, the index and the
objects. In each kind of sandbox that this machine has, a program tries what it should be denied;
a table tells what it could do. The exit code is 1 if anything is not well, 4 if an object is
damaged.""",
        json="a list of {check, detail, mend, ok}.",
    )
    parser.add_argument(
        "--contents", action="store_true", help="compare the contents of objects too"
    )
    parser.add_argument(
        "--no-sandbox", action="store_true", help="do not try out what sandboxes deny"
    )


def _index(add: Add) -> None:
    parser = add(
        "index",
        "cmd_health:index",
        "make the index anew, which remembers what was read of the store",
        json="{derivations}.",
    )
    parser.add_argument(
        "--rebuild", action="store_true", required=True, help="throw it away and read everything"
    )
