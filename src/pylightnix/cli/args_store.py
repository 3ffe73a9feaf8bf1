"""What the commands for the store as a whole take: init, du, rm."""

from __future__ import annotations

from .words import Add, folder


def declare(add: Add) -> None:
    """Declare them."""
    for command in (_init, _du, _rm):
        command(add)


def _init(add: Add) -> None:
    parser = add(
        "init",
        "cmd_store:init",
        "make a store; doing so again does no harm",
        details="""\
Without PATH where the environment says: $PYLIGHTNIX_ROOT, by default ~/_pylightnix.""",
        json="{created, objects, var}.",
    )
    parser.add_argument(
        "path", metavar="PATH", nargs="?", type=folder, help="the folder that will hold the store"
    )


def _du(add: Add) -> None:
    parser = add(
        "du",
        "cmd_list:du",
        "tell how much room things take, metadata included",
        json="{bytes, derivations: {dref: {bytes, realizations: {rref: bytes}}}}.",
    )
    parser.add_argument("ref", metavar="REF", nargs="?", help="by default everything")


def _rm(add: Add) -> None:
    parser = add(
        "rm",
        "cmd_store:rm",
        "delete realizations, or derivations with all their realizations",
        details="""\
What others depend on stays, and the exit code is then 1. Nothing is deleted if one REF is
mistaken.""",
        json="{deleted: [ref, ...], kept: {ref: [holder, ...]}}.",
    )
    parser.add_argument("refs", metavar="REF", nargs="+")
    parser.add_argument("--force", action="store_true", help="delete also what others depend on")
