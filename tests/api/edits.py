"""A little package with a stage, and a table of edits: what each changes in its identity."""

from __future__ import annotations

from typing import NamedTuple

STAGE = '''\
"""How we train."""

import json
import math
from collections import namedtuple
from dataclasses import dataclass
from enum import Enum
from functools import partial, wraps
from pathlib import Path

from pylightnix import autostage, match_latest, selfref

from . import helpers
from .helpers import scale
from .tools import chosen as pick
from {other} import foreign

LR = 0.1
PARAMS = {{"depth": 3, "names": ["a", "b"]}}
WORDS = {{"x", "y"}}
TABLE = {{"up": helpers.up}}
Point = namedtuple("Point", "x y")
HERE = Point(1, 2)
FOLDER = Path("data")


def logged(function):
    @wraps(function)
    def call(*args):
        return function(*args)

    return call


def twice(function):
    def call(x):
        return function(function(x))

    return call


def local_helper(x, k=2):
    # A comment.
    return deeper(x) * k


def deeper(x: int) -> int:
    """What it does."""
    return x + 1


def unused(x):
    return x - 1


class Base:
    def start(self):
        return 1


class Net(Base):
    layers = 3

    def run(self, x):
        return x * self.layers


@dataclass
class Settings:
    depth: int = 2
    width: int = 3


class Mode(Enum):
    FAST = 1
    SLOW = 2


net = Net()
settings = Settings(depth=4)
mode = Mode.FAST
square = lambda x: x * x
half = partial(helpers.divide, 2)


@twice
def plus(x):
    return x + 1


@autostage(out=[selfref, "r.txt"], matcher=match_latest(), factor=3)
@logged
def train(out, lr=LR, factor=1, *, rindex=0):
    """Train something."""
    local = json.dumps(PARAMS)

    def nested(x):
        return x + LR

    def early():
        from .late import finish

        return finish(out)

    y = local_helper(lr) + helpers.offset(lr) + scale(lr) + helpers.inner.LIMIT
    y += net.run(plus(y)) + square(y) + half(4) + HERE.x + settings.depth + TABLE["up"](y)
    y += len([word for word in WORDS]) + foreign(y) + pick(y)
    match y:
        case {{"kind": kind, **rest}} if kind:
            y = rest
        case [first, *others] | Point(x=first, y=others):
            y = first
    text = f"{{y!r:>{{factor}}}} and {{local}} {{mode.name}} {{FOLDER}}"
    Path(out).write_text(text + str(nested(1)) + str(early()) + str(math.pi))
'''

HELPERS = """\
from . import inner


def offset(x):
    return x + 7


def scale(x):
    return x * FACTOR


def up(x):
    return x + 1


def divide(a, b):
    return b / a


FACTOR = 2
"""

FILES = {
    "__init__.py": "",
    "stage.py": STAGE,
    "helpers.py": HELPERS,
    "inner.py": "LIMIT = 10\n",
    "late.py": "def finish(out):\n    return len(out)\n",
    "tools.py": "def first(x):\n    return x\n\n\ndef second(x):\n    return x\n\n\nchosen = first\n",
}
FOREIGN = "def foreign(x):\n    return x\n"


class Edit(NamedTuple):
    """An edit: replace `old` by `new` in a file; and the parts of the source that it changes."""

    what: str
    file: str
    old: str
    new: str
    changes: str = ""


SAME = [
    Edit("a comment is changed", "stage.py", "# A comment.", "# Another one."),
    Edit("a comment is added", "stage.py", "    match y:", "    # now\n    match y:  # here"),
    Edit("the docstring of the stage", "stage.py", "Train something.", "Train it."),
    Edit("the docstring of a helper", "stage.py", "What it does.", "What it does not."),
    Edit("a docstring goes", "stage.py", '    """What it does."""\n', ""),
    Edit(
        "a docstring comes",
        "helpers.py",
        "(x):\n    return x + 7",
        '(x):\n    "x"\n    return x + 7',
    ),
    Edit("blank lines", "stage.py", "def deeper", "\n\n\ndef deeper"),
    Edit("lines above", "stage.py", "import json", "import os  # first\nimport json"),
    Edit("formatting", "stage.py", "return deeper(x) * k", "return (\n        deeper( x )*k)"),
    Edit("quotes", "stage.py", '"kind"', "'kind'"),
    Edit("a trailing comma", "stage.py", "deeper(x) * k", "deeper(x,) * k"),
    Edit("how a number is written", "helpers.py", "x + 7", "x + 0x7"),
    Edit("how a constant is written", "stage.py", "LR = 0.1", "LR = 1e-1"),
    Edit("an annotation is changed", "stage.py", "x: int) -> int", "x: float) -> float"),
    Edit("an annotation comes", "stage.py", "(x, k=2)", "(x: int, k: int = 2) -> int"),
    Edit("a local variable is annotated", "stage.py", "    local = json", "    local: str = json"),
    Edit("a pass comes", "stage.py", "return deeper(x)", "pass\n    return deeper(x)"),
    Edit("something unused is changed", "stage.py", "x - 1", "x - 2"),
    Edit("functions change places", "stage.py", "\n\ndef unused(x):\n    return x - 1\n", "\n"),
    Edit("the matcher is another", "stage.py", "match_latest()", "match_latest(n=2)"),
    Edit("another package is changed", "other", "return x", "return x + 1"),
    Edit("the words of a set change places", "stage.py", '{{"x", "y"}}', '{{"y", "x"}}'),
    Edit("a u before a text", "stage.py", '"kind": kind', 'u"kind": kind'),
    Edit(
        "a text is cut in two",
        "stage.py",
        'f"{{y!r:>{{factor}}}} and ',
        'f"{{y!r:>{{factor}}}}" f" and ',
    ),
]
OTHER = [
    Edit("a constant", "stage.py", "LR = 0.1", "LR = 0.2", "LR config.lr"),
    Edit(
        "a constant of the same value and another type",
        "stage.py",
        '"depth": 3',
        '"depth": 3.0',
        "PARAMS",
    ),
    Edit("a constant deep inside", "stage.py", '["a", "b"]', '["a", "c"]', "PARAMS"),
    Edit("a constant in another module", "helpers.py", "FACTOR = 2", "FACTOR = 3", "FACTOR"),
    Edit("a constant in a module's module", "inner.py", "10", "11", "LIMIT"),
    Edit("a helper", "stage.py", "deeper(x) * k", "deeper(x) / k", "local_helper"),
    Edit("a helper's default", "stage.py", "k=2", "k=3", "local_helper"),
    Edit(
        "a helper of a helper",
        "stage.py",
        "return x + 1\n\n\ndef unused",
        "return x + 2\n\n\ndef unused",
        "deeper",
    ),
    Edit("a helper in another module", "helpers.py", "x + 7", "x + 8", "offset"),
    Edit(
        "a helper imported from another module", "helpers.py", "x * FACTOR", "FACTOR * x", "scale"
    ),
    Edit("a helper imported inside the function", "late.py", "len(out)", "len(out) + 1", "finish"),
    Edit(
        "a helper in a table",
        "helpers.py",
        "def up(x):\n    return x + 1",
        "def up(x):\n    return x + 2",
        "up",
    ),
    Edit(
        "which helper a name means",
        "tools.py",
        "chosen = first",
        "chosen = second",
        "first second train",
    ),
    Edit("a helper in a partial", "helpers.py", "b / a", "b // a", "divide"),
    Edit("what a partial holds", "stage.py", "helpers.divide, 2", "helpers.divide, 3", "half"),
    Edit("the stage itself", "stage.py", "match y:", "y += 1\n    match y:", "train"),
    Edit("a nested function", "stage.py", "return x + LR", "return LR + x + 1", "train"),
    Edit("a lambda", "stage.py", "lambda x: x * x", "lambda x: x * x * x", "<lambda>"),
    Edit("a method", "stage.py", "x * self.layers", "self.layers * x", "Net"),
    Edit("a field of a class", "stage.py", "layers = 3", "layers = 4", "Net"),
    Edit("a base class", "stage.py", "return 1\n", "return 2\n", "Base"),
    Edit("a field of an instance of a data class", "stage.py", "depth=4", "depth=5", "settings"),
    Edit(
        "a default of a data class",
        "stage.py",
        "width: int = 3",
        "width: int = 4",
        "Settings settings",
    ),
    Edit("which member of an enum", "stage.py", "mode = Mode.FAST", "mode = Mode.SLOW", "mode"),
    Edit("a named tuple", "stage.py", "Point(1, 2)", "Point(1, 3)", "HERE"),
    Edit("a path", "stage.py", 'Path("data")', 'Path("date")', "FOLDER"),
    Edit(
        "a decorator of a helper",
        "stage.py",
        "function(function(x))",
        "function(x)",
        "twice twice.call",
    ),
    Edit(
        "what a decorator decorates",
        "stage.py",
        "plus(x):\n    return x + 1",
        "plus(x):\n    return x + 2",
        "plus",
    ),
    Edit(
        "a decorator below autostage",
        "stage.py",
        "return function(*args)",
        "return [function(*args)]",
        "logged",
    ),
    Edit("a decorator goes", "stage.py", "@logged\n", "", "logged train"),
    Edit("a default of the stage", "stage.py", "lr=LR", "lr=0.3", "config.lr"),
    Edit("a parameter in the decorator", "stage.py", "factor=3", "factor=4", "config.factor"),
    Edit(
        "a local variable is renamed", "stage.py", "lambda x: x * x", "lambda z: z * z", "<lambda>"
    ),
    Edit("a helper is renamed", "stage.py", "deeper", "deep", "deep deeper local_helper"),
    Edit("a pattern", "stage.py", "case [first, *others] |", "case [first, _, *others] |", "train"),
    Edit("the conversion in an f-string", "stage.py", "y!r", "y!s", "train"),
    Edit("the text of an f-string", "stage.py", "and {{local}}", "und {{local}}", "train"),
    Edit("the width in an f-string", "stage.py", ":>{{factor}}", ":<{{factor}}", "train"),
    Edit("an operator", "stage.py", "* k", "@ k", "local_helper"),
    Edit("1 instead of True", "late.py", "len(out)", "len(out) + True", "finish"),
]
