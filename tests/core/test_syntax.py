"""The form in which code is hashed, and which names code takes from outside."""

from __future__ import annotations

import ast
import textwrap

import pytest

from pylightnix.core.names import Imported, uses_of
from pylightnix.core.syntax import digest, parsed, starts, written


def form(text: str) -> str:
    return written(parsed(textwrap.dedent(text)))


SAME = [
    ("x = 1", "x = 0x1  # one"),
    ("x: int = 1", "x = 1"),
    ("x: int", ""),
    ("def f(): pass", 'def f():\n  "doc"'),
    ("def f(): pass", "def f(): ..."),
    ("def f(x: int) -> str: return x", "def f(x): return x"),
    ("async def f(x: int) -> str: return x", "async def f(x): return x"),
    ("if x:\n  y\nelse:\n  pass", "if x:\n  y"),
    ("'a' 'b'", "'ab'"),
    ("f'a{x}' 'b' f'c{y}'", "f'a{x}bc{y}'"),
    ("x = f'{x:}'", "x = f'{x}'"),
    ("x = u'a'", "x = 'a'"),
    ("def f():\n  x: int = 1\n  y: int", "def f():\n  x = 1"),
    ("f(a, b)", "f(\n a,\n b,\n)"),
    ("x = 'é'", "x = '\\xe9'"),
]
OTHER = [
    ("x = 1", "x = 1.0"),
    ("x = 1", "x = True"),
    ("x = 1", "x = '1'"),
    ("x = 'a'", "x = b'a'"),
    ("x = 'a'", "x = a"),
    ("x = None", "x = 'None'"),
    ("x = None", "x = ..."),
    ("return_ = x", "return_ = y"),
    ("def f(): return", "async def f(): return"),
    ("def f(*, x): return x", "def f(x): return x"),
    ("def f(x, /): return x", "def f(x): return x"),
    ("a - (b - c)", "a - b - c"),
    ("x = f'{x!r}'", "x = f'{x!s}'"),
    ("x = f'{x:>3}'", "x = f'{x:<3}'"),
    ("x = f'{x}'", "x = f'x'"),
    ("class A:\n  x: int = 1", "class A:\n  x = 1"),
    ("class A:\n  x: int", "class A:\n  y: int"),
    ("a, b = c", "a = b = c"),
    ("from . import a", "from .. import a"),
    ("x = [1, 2]", "x = [[1], 2]"),
    (f"x = {'9' * 4000}", f"x = {'9' * 3999}"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_code_that_does_the_same_has_one_form(one: str, two: str) -> None:
    assert form(one) == form(two)


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_code_that_does_something_else_has_another_form(one: str, two: str) -> None:
    assert form(one) != form(two)


def test_the_form_is_what_it_was() -> None:
    """Golden: another form would build everything again."""
    text = """
    @mark
    def f(a, *b, c=1, **d):
        '''doc'''
        match a:
            case {'k': v, **rest} | [v, *rest] if v: return f'{v!r:>{c}}' + 'é'
        return lambda x, /: [y async for y in x if (z := y) is not None]
    """
    assert digest(parsed(textwrap.dedent(text)).body[0]) == "4e78befc1a5a02af31a1fbd70dd29099"
    assert digest("a", parsed("x")) == digest("a", parsed(" x ".strip()))
    assert digest("a", "b") != digest("ab")


def test_deep_code_is_no_trouble() -> None:
    assert form(" + ".join(["x"] * 900)).count("BinOp") == 899


def test_a_function_begins_at_its_first_decorator() -> None:
    (node,) = parsed("# c\n@a\n@b\ndef f(): return 1").body
    assert starts(node) == 2


NAMES = [
    ("def f(x):\n  y = x + N\n  return y", ["N"]),
    ("def f():\n  return a.b.c + a.b", ["a.b", "a.b.c"]),
    ("def f():\n  return g().h.i", ["g"]),
    ("def f(x):\n  return x.y", []),
    ("def f():\n  return f()", ["f"]),
    ("lambda x: x + y", ["y"]),
    ("def f(a=D, *b, c=E, **d):\n  return a, b, c, d", ["D", "E"]),
    ("@deco\ndef f():\n  return 1", ["deco"]),
    ("def f(*, a):\n  return a", []),
    ("def f():\n  def g(x):\n    return x + h\n  return g", ["h"]),
    ("def f(n):\n  def g():\n    return n\n  return g", []),
    ("def f():\n  return [x + k for x in xs if x]", ["k", "xs"]),
    ("def f():\n  return {x: y for x, y in zs}, {x for x in a}, (x for x in b)", ["a", "b", "zs"]),
    ("def f():\n  return [x for x in x]", ["x"]),
    ("def f(x):\n  [(y := z) for z in x]\n  return y", []),
    (
        "class A(Base, meta=Meta):\n  n = N\n  def f(self):\n    return n",
        ["Base", "Meta", "N", "n"],
    ),
    ("class A:\n  n = 1\n  m = n", []),
    ("@deco\nclass A:\n  def f(self):\n    return A", ["A", "deco"]),
    ("def f():\n  global g\n  g = 1\n  return g", ["g"]),
    ("def f():\n  try:\n    return a\n  except E as e:\n    return e", ["E", "a"]),
    ("def f():\n  with a as b:\n    return b", ["a"]),
    ("def f():\n  for i in a:\n    return i", ["a"]),
    (
        "def f(x):\n match x:\n  case C(a=y, b=[*z], c={'k': 1, **w}) as v:\n   return y, z, w, v",
        ["C"],
    ),
    ("def f():\n  class B:\n    pass\n  return B", []),
    ("async def f():\n  async def g():\n    return await h()\n  return g", ["h"]),
    ("def f():\n  del x\n  return x", []),
]


@pytest.mark.parametrize(("text", "names"), NAMES)
def test_the_names_that_code_takes_from_outside(text: str, names: list[str]) -> None:
    tree: ast.AST = parsed(text).body[0]
    if isinstance(tree, ast.Expr):
        tree = tree.value
    assert [".".join(path) for path in uses_of(tree).paths] == names


def test_what_imports_inside_a_function_mean() -> None:
    (tree,) = parsed(
        "def f():\n"
        "  import a.b, c.d as e\n"
        "  from .g import h, i as j\n"
        "  from .. import k\n"
        "  return a.b, e, h, j, k\n"
    ).body
    uses = uses_of(tree)
    assert uses.imports == {
        "a": Imported(0, "a", None),
        "e": Imported(0, "c.d", None),
        "h": Imported(1, "g", "h"),
        "j": Imported(1, "g", "i"),
        "k": Imported(2, "", "k"),
    }
    assert [".".join(path) for path in uses.paths] == ["a.b", "e", "h", "j", "k"]
