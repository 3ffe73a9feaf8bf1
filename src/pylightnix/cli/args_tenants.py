"""What `pylightnix tenant` takes."""

from __future__ import annotations

from argparse import ArgumentParser

from .words import Add, folder, natural


def declare(add: Add) -> None:
    """Declare it."""
    parser = add(
        "tenant",
        "",
        "run the code of users, each with packages of its own, within limits",
        details="A tenant is a folder below DIR. What is said of one is said of the current store.",
        json="what the single commands say.",
        below=_commands,
    )
    parser.add_argument(
        "--root",
        type=folder,
        metavar="DIR",
        help="the folder of all tenants; by default $PYLIGHTNIX_TENANTS, or else tenants",
    )


def _commands(add: Add) -> None:
    for command in (_create, _list, _install, _missing, _run, _log, _quota, _delete):
        command(add)


def _create(add: Add) -> None:
    parser = add(
        "create",
        "cmd_tenants:create",
        "make a tenant; nothing is installed yet",
        details="""\
PACKAGE is a requirement, as `pandas<3`. SIZE is in bytes, or 500K, 500M, 2G. T is a span of time:
seconds, or 90s, 30m, 2h. What no option grants is denied.""",
        json="{folder, name, packages, quota_bytes}.",
    )
    _name(parser)
    parser.add_argument("packages", metavar="PACKAGE", nargs="*")
    parser.add_argument("--quota", metavar="SIZE", help="what it may have in all")
    parser.add_argument("--memory", metavar="SIZE", help="memory of a run, its scratch included")
    parser.add_argument("--file-size", metavar="SIZE", help="of each file that a run writes")
    parser.add_argument("--wall", metavar="T", help="how long a call may take")
    parser.add_argument("--cpu", metavar="T", help="processor time of a run")
    parser.add_argument("--pids", type=natural, metavar="N", help="processes of a run; 0 for any")
    parser.add_argument("--network", action="store_true", help="grant the network")
    for option, what in (("--ro", "let runs see"), ("--rw", "let runs change")):
        parser.add_argument(option, metavar="PATH", action="append", default=[], help=what)
    parser.add_argument(
        "--env", metavar="K=V", action="append", default=[], help="a variable of runs"
    )
    parser.add_argument("--backend", metavar="NAME", default="auto", help="the kind of sandbox")
    parser.add_argument(
        "--find-links",
        type=folder,
        metavar="DIR",
        action="append",
        default=[],
        help="a folder of wheels; then nothing else is asked; may be given again",
    )


def _list(add: Add) -> None:
    add(
        "list",
        "cmd_tenants:list_tenants",
        "list the tenants",
        json="[{folder, name, packages, quota_bytes}, ...].",
    )


def _install(add: Add) -> None:
    parser = add(
        "install",
        "cmd_tenants:install",
        "install a tenant's packages; tenants with equal locks share them",
        json="{env, installed: {name: version}}.",
    )
    _name(parser)


def _missing(add: Add) -> None:
    parser = add(
        "missing",
        "cmd_tenants:missing",
        "tell which of a tenant's packages are not installed",
        details="The exit code is 1 if there are any.",
        json="{installed: {name: version}, missing: [requirement, ...]}.",
    )
    _name(parser)


def _run(add: Add) -> None:
    parser = add(
        "run",
        "cmd_tenants:run",
        "call a function of a file in a tenant's `usermodules`, in a sandbox",
        details="""\
FILE is relative to `usermodules`; the function is `main` if none is named. V is JSON or else text.
What it prints goes to standard output while it runs, with --json to standard error.""",
        json="{run, value}; a value that JSON does not know is text.",
    )
    _name(parser)
    parser.add_argument("target", metavar="FILE[:FUNCTION]")
    parser.add_argument("arguments", metavar="K=V", nargs="*", help="arguments of the function")


def _log(add: Add) -> None:
    parser = add(
        "log",
        "cmd_tenants:log",
        "list the runs of a tenant, or show what one has printed",
        json="""\
[{begun_s, cpu_s, detail, env, file, function, log, memory_bytes, run, source, state, wall_s}, ...];
of one run {..., text}.""",
    )
    _name(parser)
    parser.add_argument("what", metavar="RUN", nargs="?", help="a run; the beginning of it will do")
    parser.add_argument("--last", type=natural, metavar="N", help="only as many runs")


def _quota(add: Add) -> None:
    parser = add(
        "quota",
        "cmd_tenants:quota",
        "tell what a tenant uses, and of how much",
        json="{parts: {what: bytes}, quota_bytes, used_bytes}.",
    )
    _name(parser)


def _delete(add: Add) -> None:
    parser = add(
        "delete",
        "cmd_tenants:delete",
        "delete a tenant; what nobody else needs goes at the next `gc`",
        json="{deleted: name}.",
    )
    _name(parser)


def _name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the tenant")
