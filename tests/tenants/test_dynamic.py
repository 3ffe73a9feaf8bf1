"""Imports that running code makes are reported where they are."""

from __future__ import annotations

import pytest

from pylightnix.tenants import rewrite_imports


def places(source: str) -> list[tuple[int, int]]:
    done = rewrite_imports(source, ["pandas"])
    assert done.source == source
    return [(each.line, each.column) for each in done.diagnostics]


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("import importlib\nimportlib.import_module('pandas')", 2, 1),
        ("import importlib\nx = [importlib.import_module('pandas.io.json')]", 2, 6),
        ("import importlib as il\nil.import_module(name='pandas')", 2, 1),
        ("from importlib import import_module\nimport_module('pandas')", 2, 1),
        ("from importlib import import_module as im\ndef f():\n\treturn im('pandas')", 3, 9),
        ("import importlib\nimportlib.__import__('pandas')", 2, 1),
        ("x = __import__('pandas', fromlist=['x'])", 1, 5),
        ("import builtins\nbuiltins.__import__('pandas')", 2, 1),
        ("from builtins import __import__ as imp\nimp('pandas')", 2, 1),
        ("import importlib.util\nimportlib.util.find_spec('pandas')", 2, 1),
        ("from importlib.util import find_spec\nfind_spec('pandas')", 2, 1),
        ("import pkgutil\npkgutil.resolve_name('pandas:read_csv')", 2, 1),
        ("import runpy\nrunpy.run_module('pandas')", 2, 1),
        ("import importlib\nimportlib.import_module('.io', 'pandas')", 2, 1),
        ("import importlib\nimportlib.import_module('.io', package='pandas')", 2, 1),
        ("import importlib\nimportlib.import_module(package='pandas', name='.io')", 2, 1),
        ("import importlib\nimportlib.import_module('.io', package)", 2, 1),
        ("import importlib\nimportlib.import_module(**options)", 2, 1),
        ("import importlib\nimportlib.import_module(name)", 2, 1),
        ("import importlib\nimportlib.import_module(f'pandas.{x}')", 2, 1),
        ("__import__(*args)", 1, 1),
        ("__import__()", 1, 1),
        ("import importlib\nf = importlib.import_module\nf('pandas')", 3, 1),
        ("import importlib\nlist(map(importlib.import_module, names))", 2, 10),
        ("x.importer = __import__", 1, 14),
        ("self.lib.import_module('pandas')", 1, 1),
        ("import importlib\ngetattr(importlib, 'import_module')('pandas')", 2, 20),
        ("vars(builtins)['__import__']('pandas')", 1, 16),
        ("import sys\nsys.modules['pandas']", 2, 1),
        ("import sys\nsys.modules.get('pandas.io')", 2, 1),
        ("from sys import modules as m\nm.pop('pandas')", 2, 1),
        ("import sys\nx = 'pandas' in sys.modules", 2, 5),
        ("exec('import pandas')", 1, 1),
        ("exec(b'import pandas')", 1, 1),
        ("eval('__import__(\"pandas\")')", 1, 1),
        ("é = '😀'; exec(text)", 1, 10),
        ("class A:\n  def f(self, m=__import__('pandas')): pass", 2, 17),
        ("x = lambda: __import__('pandas')", 1, 13),
        ("@__import__('pandas').d\ndef f(): pass", 1, 2),
        ("f'{__import__(\"pandas\")}'", 1, 4),
    ],
)
def test_an_import_by_running_code_is_reported_at_its_place(
    source: str, line: int, column: int
) -> None:
    found = places(source)
    # Before Python 3.12, what stands in an f-string has no place of its own.
    assert found == [(line, column)] or (source.startswith("f'") and len(found) == 1)


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module('os')",
        "import importlib\nimportlib.import_module('pandas_tools')",
        "import importlib\nimportlib.import_module('.pandas', __package__)",
        "import importlib\nimportlib.import_module('.pandas')",
        "import importlib\nimportlib.import_module('.pandas', package=__name__)",
        "import importlib\nimportlib.import_module('.pandas', 'mine')",
        "import importlib\nimportlib.reload(x)",
        "__import__('os.path')",
        "exec('x = 1')",
        "eval('pandas + 1')",
        "x.exec(y)",
        "import sys\nsys.modules['os'], sys.modules.get(x), sys.modules[__name__]",
        "modules = {}\nmodules['pandas']",
        "text = 'importlib'",
        "x = 'import pandas'",
    ],
)
def test_what_imports_none_of_the_packages_is_not_reported(source: str) -> None:
    assert places(source) == []


def test_all_of_them_are_reported_in_order() -> None:
    source = "a = __import__('pandas'); b = __import__(x)\n__import__('pandas')\n"
    assert places(source) == [(1, 5), (1, 31), (2, 1)]


def test_a_report_says_what_to_do() -> None:
    (found,) = rewrite_imports("__import__('pandas')", ["pandas"]).diagnostics
    assert found.message.startswith("__import__('pandas') imports pandas as it is named here")
    assert found.message.endswith("or give the code an environment of its own")
