"""What the commands about stages take: realize, plan, why, why-depends."""

from __future__ import annotations

from argparse import ArgumentParser

from .words import Add, natural, some, some_time

TARGET = """\
TARGET is FILE.py:STAGE or PACKAGE.MODULE:STAGE; K=V are arguments of the stage, V being JSON or
else text. Or it is PIPE.yaml, then words for its context parser: what the pipeline derives, without
its effects."""


def declare(add: Add) -> None:
    """Declare them."""
    for command in (_realize, _plan, _check, _why, _why_depends):
        command(add)


def _realize(add: Add) -> None:
    parser = add(
        "realize",
        "cmd_realize:realize",
        "find or build what a stage makes, and print the realizations",
        details=TARGET,
        json="""\
{links: [path, ...], rrefs: [rref, ...], targets: {dref: [rref, ...]}}; with --dry-run what `plan`
gives.""",
    )
    _target(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="build nothing: tell what would be done, as `plan`"
    )
    parser.add_argument(
        "--out-link",
        metavar="PATH",
        help="make a symlink to the realization (PATH-2, ... to further ones), which keeps it from "
        "being collected",
    )
    _workers(parser)
    parser.add_argument(
        "--events",
        choices=("auto", "bars", "plain", "json", "none"),
        help="how to tell on standard error what happens: a progress bar, lines, or an object of "
        "JSON in each line; auto is a bar on a terminal, lines elsewhere, and nothing with --json",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="tell of hits and of lines of logs too"
    )
    parser.set_defaults(dot=False, mermaid=False)  # of the plan that --dry-run shows


def _workers(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-j", "--jobs", metavar="N", type=some, help="builds at once, each in its own process"
    )
    parser.add_argument(
        "--executor",
        metavar="E",
        help="where builders run: serial, threads, processes, dask:ADDRESS (dask: is a cluster on "
        "this machine), slurm:KEY=VALUE,... (slurm:local is for trying it out)",
    )
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="after a failure, build all that does not need what failed, and name all failures",
    )
    parser.add_argument(
        "--retries", metavar="N", type=natural, default=0, help="try a failed build so often again"
    )
    parser.add_argument(
        "--timeout", metavar="T", type=some_time, help="stop a build that takes longer: 90, 10m, 2h"
    )


def _plan(add: Add) -> None:
    parser = add(
        "plan",
        "cmd_foresee:plan",
        "tell what would be built for a stage, and why, and how long it may take",
        details=f"""\
{TARGET}

Nothing is built and nothing written. Each line of the tree is a verdict (hit, fetch, build, or
unknown, where that depends on how a dependency comes out), a name, the beginning of the hash, an
estimate from past builds, the reason; what a hit depends on is not drawn.""",
        json="""\
{items: [{dref, reason, rrefs, seconds, verdict}, ...], needs: {dref: [dref, ...]}, seconds,
targets: [dref, ...]}, and of a pipeline {places: {dref: text}}; dependencies come first; seconds
that nobody knows are null.""",
    )
    _target(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--dot", action="store_true", help="a graph in the language of Graphviz")
    form.add_argument("--mermaid", action="store_true", help="a graph in the language of Mermaid")


def _check(add: Add) -> None:
    parser = add(
        "check",
        "cmd_check:check",
        "build something again in a sandbox, and tell whether it comes out the same",
        details=f"""\
Of a REF the stage is found by the name of the function that built it, if it takes no arguments;
otherwise a TARGET must be given, whose derivation is realized first. Nothing of what is built
again stays. The exit code is 1 if anything differs.

{TARGET}""",
        json="""\
a list of {backend, differences: [{path, what}, ...], dref, reproducible, rref, times}.""",
    )
    parser.add_argument("what", metavar="REF|TARGET")
    parser.add_argument("arguments", metavar="K=V", nargs="*", help="arguments of a stage")
    parser.add_argument("--times", metavar="N", type=natural, default=1, help="build N times")


def _target(parser: ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="the stage")
    parser.add_argument("arguments", metavar="K=V", nargs="*", help="its arguments")
    parser.add_argument(
        "--force",
        metavar="REF",
        action="append",
        default=[],
        help="of the closure, to be built even if the store has it; may be given again",
    )


def _why(add: Add) -> None:
    parser = add(
        "why",
        "cmd_foresee:why",
        "tell why something was built, or would be: what differs from before",
        details=f"""\
A derivation is compared with the nearest earlier one of its name, a realization with earlier ones
of its derivation. Of a stage it is told why it would be built. Changes that only follow from
changes elsewhere are told apart from those that began it all. Of a pipeline the
lines of its text are told too.

{TARGET}""",
        json="""\
{against, causes: [{against, changes, dref}, ...], changes: [{new, old, path}, ...],
parts: [as this, ...], reason, ref}. What was not there has no `old`, what is not, no `new`;
parts are the targets, if there are several.""",
    )
    parser.add_argument("what", metavar="REF|TARGET")
    parser.add_argument("arguments", metavar="K=V", nargs="*", help="arguments of a stage")


def _why_depends(add: Add) -> None:
    parser = add(
        "why-depends",
        "cmd_foresee:why_depends",
        "print the shortest path from something to what it depends on",
        details="""\
The exit code is 1 if it does not depend on it. Between derivations the path goes along configs; if
one of the two is a realization, along contexts.""",
        json="{a, b, path: [ref, ...]}, the path empty if A does not depend on B.",
    )
    parser.add_argument("a", metavar="A", help="what depends")
    parser.add_argument("b", metavar="B", help="what it depends on")
