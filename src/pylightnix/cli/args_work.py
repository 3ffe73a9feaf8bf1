"""What the commands about builds and for work in the store take: log, shell."""

from __future__ import annotations

from .words import Add


def declare(add: Add) -> None:
    """Declare them."""
    for command in (_log, _shell):
        command(add)


def _log(add: Add) -> None:
    parser = add(
        "log",
        "cmd_work:log",
        "write what a build printed",
        details="""\
Of a derivation: of the build that runs or failed; if there is none, of its only realization.""",
        json="{path, ref, text}.",
    )
    parser.add_argument("ref", metavar="REF")


def _shell(add: Add) -> None:
    parser = add(
        "shell",
        "cmd_work:shell",
        "open a shell ($SHELL) in the folder of an object",
        details="""\
Of a derivation: in the folder of its realization, which must be the only one. With --failed: the
build that failed last, or the last of REF, is run again in this terminal, in a new folder, and the
shell opens there; with the code of now where it can be imported, and nothing becomes a realization.
The variables PYLIGHTNIX_FAILED and PYLIGHTNIX_LOG name the derivation and the log. The exit code
tells whether the shell could be opened, not how it ended.""",
        json="{path, ref, status}, when the shell has ended.",
    )
    parser.add_argument("ref", metavar="REF", nargs="?")
    parser.add_argument("--failed", action="store_true", help="run a failed build again, there")
    parser.add_argument(
        "--look", action="store_true", help="with --failed: do not run it, open what it left"
    )
    parser.add_argument("--derivation", action="store_true", help="the derivation's own folder")
