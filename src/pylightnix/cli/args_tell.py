"""What the commands that tell about objects take: show, config, context, deps, diff."""

from __future__ import annotations

from .words import Add


def declare(add: Add) -> None:
    """Declare them."""
    for command in (_show, _config, _context, _deps, _diff):
        command(add)


def _show(add: Add) -> None:
    parser = add(
        "show",
        "cmd_tell:show",
        "print all that is known of an object",
        json="""\
of a derivation {config, deps, dref, kind, log, path, realizations, size_bytes},
the realizations as `ls` gives them;
of a realization {config, contents, context, dref, kind, log, path, portable, portable_reason,
provenance, rref, size_bytes}.
What is unknown is null.""",
    )
    parser.add_argument("ref", metavar="REF")


def _config(add: Add) -> None:
    parser = add(
        "config",
        "cmd_tell:config",
        "print the config of a derivation, or of a realization's derivation",
        json="the config.",
    )
    parser.add_argument("ref", metavar="REF")


def _context(add: Add) -> None:
    parser = add(
        "context",
        "cmd_tell:context",
        "print which realizations the direct dependencies of a realization had",
        json="{dref: [rref, ...]}.",
    )
    parser.add_argument("ref", metavar="RREF", help="a realization, or a derivation that has one")


def _deps(add: Add) -> None:
    parser = add(
        "deps",
        "cmd_tell:deps",
        "print what a derivation depends on",
        details="""\
With --deep as a tree; a derivation that comes again is marked with (above), and what it depends
on is not repeated.""",
        json="""\
{deps: {dref: [dref, ...]}, dref}: direct dependencies, with --deep those of every derivation.""",
    )
    parser.add_argument("ref", metavar="REF")
    parser.add_argument("--deep", action="store_true", help="and what that depends on, and so on")


def _diff(add: Add) -> None:
    parser = add(
        "diff",
        "cmd_tell:diff",
        "tell how two objects differ: their configs and, of two realizations, their manifests",
        details="""\
The exit code is 1 if they differ, as that of diff.""",
        json="{a, b, diff, differ}.",
    )
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B")
