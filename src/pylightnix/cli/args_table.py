"""What the command for experiments takes: table."""

from __future__ import annotations

from argparse import ArgumentTypeError

from .words import Add


def declare(add: Add) -> None:
    """Declare it."""
    parser = add(
        "table",
        "cmd_table:table",
        "list realizations with their configs and metrics, a row for each",
        details="""\
NAME is that of a stage, a pattern as 'train*', or a DRef; without it, everything. What is not
known is left empty. Of a metric without a name the column is called like its file.""",
        json="a list of dictionaries; what does not apply to a row is not in it.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.add_argument(
        "--metric",
        metavar="[COLUMN=]FILE",
        action="append",
        type=metric,
        default=[],
        help="a number from an artifact: score=score.txt, or acc=m.json:test.accuracy",
    )
    parser.add_argument(
        "--sort", metavar="COLUMN", help="in this order; --sort=-COLUMN: the highest first"
    )
    parser.add_argument("--csv", action="store_true", help="as CSV, with a line of names first")


def metric(text: str) -> tuple[str, str]:
    """Take a metric apart: name of its column, and where it is read."""
    name, equals, file = text.partition("=")
    if not equals:
        from pylightnix.api.metrics import stem

        return stem(text), text
    if not name or not file:
        raise ArgumentTypeError(f"{text!r}: give it as score=score.txt")
    return name, file
