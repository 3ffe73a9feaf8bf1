"""What the command about pipelines takes: run."""

from __future__ import annotations

from .words import Add, natural


def declare(add: Add) -> None:
    """Declare it."""
    parser = add(
        "run",
        "cmd_run:run",
        "run a pipeline: YAML whose steps are effects, or derivations that are cached",
        details="""\
PIPE is `pipe`, `dir/pipe` or `dir/pipe.yaml`: absolute, or below the working folder or its folder
`pipelines`. WORD are words for its context parser. The exit code is 1 if it failed.""",
        json="""\
{context}, where what JSON does not know is text; with --dry-run what `plan` gives, with `places`
and `skipped`; with --check {edges: [[from, to, how], ...], issues: [{column, file, line, text},
...]}.""",
    )
    parser.add_argument("pipeline", metavar="PIPE")
    parser.add_argument("arguments", metavar="WORD", nargs="*")
    parser.add_argument("--groups", metavar="GROUP", nargs="+", help="run these instead of `steps`")
    parser.add_argument("--success", metavar="GROUP", help="run this when they have ended well")
    parser.add_argument("--failure", metavar="GROUP", help="run this when one of them has failed")
    parser.add_argument("--dir", metavar="DIR", help="one more folder for step modules")
    parser.add_argument(
        "--loader", metavar="NAME", help="where pipelines come from; by default files"
    )
    parser.add_argument("-j", "--jobs", type=natural, metavar="N", help="how many builds at once")
    parser.add_argument(
        "--events",
        choices=("auto", "bars", "plain", "json", "none"),
        default="none",
        help="tell on standard error what is built; by default nothing",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="run no effect and build nothing: show the plan"
    )
    parser.add_argument("--check", action="store_true", help="validate it only; 1 if it is wrong")
    parser.add_argument(
        "--graph", action="store_true", help="draw what runs what, in the language of Mermaid"
    )
