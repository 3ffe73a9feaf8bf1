"""What reading finds, what it does not, and what it says it cannot tell."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli.shop import Run
from plugin_projects import mkfiles
from pylightnix.plugins import Discovery, PluginConflict, discover
from pylightnix.plugins.entries import InvalidEntryPoints
from pylightnix.plugins.imported import discover_imported
from pylightnix.plugins.setuptools import load_entry_points


def points(found: Discovery) -> dict[str, str]:
    return {f"{e.namespace}/{e.name}": e.value for e in found.entries}


def of(text: str, folder: Path) -> dict[str, str]:
    """The plugins of one module."""
    found = discover(str(mkfiles(folder, {"m.py": text})))
    assert found.unsure == ()
    return points(found)


FOUND = {
    "a class": (
        """
        from pylightnix.plugins import Plugin
        class A(Plugin):
            namespace = "n"
            name = "a"
        """,
        {"n/a": "m:A"},
    ),
    "by a module's name": (
        """
        import pylightnix.plugins as p
        class A(p.Plugin):
            namespace, name = "n", "a"
        class B(p.Plugin):
            namespace: str = "n"
            name: str = "b"
        """,
        {"n/a": "m:A", "n/b": "m:B"},
    ),
    "by the whole name": (
        """
        import pylightnix.plugins
        s = pylightnix.plugins.PluginSpec(name="s", namespace="n", factory=None)
        """,
        {"n/s": "m:s"},
    ),
    "by the package": (
        """
        from pylightnix import plugins
        @plugins.plugin("n")
        async def f(): ...
        """,
        {"n/f": "m:f"},
    ),
    "generic": (
        """
        from typing import Generic, TypeVar
        from pylightnix.plugins.spec import Plugin
        T = TypeVar("T")
        class Base(Plugin, Generic[T]):
            namespace = "n"
        class A(Base[int]):
            name = "a"
        """,
        {"n/a": "m:A"},
    ),
    "constants": (
        """
        from pylightnix.plugins import Plugin, PluginSpec, plugin
        TOP = "n"
        NS = TOP + ".x"
        class Base(Plugin):
            namespace = f"{NS}.y"
        class A(Base):
            name = "a" + "b"
        s = PluginSpec(Base.namespace, f"s", None)
        g = plugin(NS, name=None)(print)
        """,
        {"n.x.y/ab": "m:A", "n.x.y/s": "m:s", "n.x/print": "m:g"},
    ),
    "in branches": (
        """
        from pylightnix.plugins import plugin
        try:
            import json
        except ImportError:
            @plugin("n", "f")
            def f(): ...
        else:
            if json:
                @plugin("n", "f")
                def f(): ...
        with open("x"):
            for _ in ():
                @plugin("n", name="g", should_load=False)
                def g(): ...
        """,
        {"n/f": "m:f", "n/g": "m:g"},
    ),
    "abstract": (
        """
        from abc import abstractmethod
        from enum import Enum
        from pylightnix.plugins import Plugin
        class NoName(Plugin):
            namespace = "n"
        class NoneYet(Plugin):
            namespace = "n"
            name = None
        class Methods(Plugin):
            namespace = "n"
            name = "m"
            @abstractmethod
            def f(self): ...
        class Named(Plugin):
            namespace = "n"
            name = "named"
        class Same(Named):
            pass
        class Other:
            namespace = "n"
            name = "x"
        class Another(Other):
            namespace = "n"
            name = "y"
        class Third(Enum):
            namespace = "n"
            name = "z"
        class Loop(Loop):
            namespace = "n"
            name = "loop"
        def inner():
            class In(Plugin):
                namespace = "n"
                name = "in"
        other = print("x")
        """,
        {"n/named": "m:Named"},
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_reading_finds(case: str, tmp_path: Path) -> None:
    text, wanted = FOUND[case]
    assert of(text, tmp_path) == wanted


def test_a_base_may_be_in_another_module_and_in_another_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = "from pylightnix.plugins import *\nclass Base(Plugin):\n    namespace = 'theirs'\n"
    lib = {"their_lib/__init__.py": "from .b import Base", "their_lib/b.py": theirs}
    mkfiles(tmp_path / "lib", lib)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    files = {
        "shop/__init__.py": "",
        "shop/base.py": "import their_lib\nBase = their_lib.Base\nNAME = 'a'\n",
        "shop/deep/__init__.py": "",
        "shop/deep/a.py": """
            from ..base import NAME, Base
            from their_lib.b import Base as Direct
            class A(Base):
                name = NAME
            class B(Direct):
                name = "b"
            """,
    }
    found = discover(str(mkfiles(tmp_path / "p", files)))
    assert points(found) == {"theirs/a": "shop.deep.a:A", "theirs/b": "shop.deep.a:B"}
    assert "their_lib" not in sys.modules


UNSURE = {
    "a base with the namespace that is not here": (
        "import nowhere_at_all as n\nclass A(n.Base):\n    name = 'a'\n",
        "m.py:2: whether class A is a Plugin",
    ),
    "a base that is not here": (
        "from nowhere_at_all import Base\nclass A(Base):\n    namespace = 'n'\n    name = 'a'\n",
        "m.py:2: whether class A is a Plugin",
    ),
    "a name that is computed": (
        "from pylightnix.plugins import PluginSpec\ns = PluginSpec('n', str(7), None)\n",
        "m.py:2: the name of s",
    ),
    "a namespace that is computed": (
        "import os\nfrom pylightnix.plugins import plugin\n@plugin(os.sep)\ndef f(): ...\n",
        "m.py:4: the namespace of f",
    ),
    "a name that is a property": (
        "from pylightnix.plugins import Plugin\nclass A(Plugin):\n    namespace = 'n'\n"
        "    @property\n    def name(self): ...\n",
        "m.py:2: the name of A",
    ),
    "a list of specs": (
        "from pylightnix.plugins import PluginSpec\nx = [PluginSpec('n', c, None) for c in 'ab']\n",
        "m.py:2: which variable holds this PluginSpec",
    ),
    "a spec in a function's hands": (
        "from pylightnix.plugins import PluginSpec\nx = dict(a=PluginSpec('n', 'a', None))\n",
        "m.py:2: which variable holds this PluginSpec",
    ),
}


@pytest.mark.parametrize("case", UNSURE)
def test_what_cannot_be_told_is_named(case: str, tmp_path: Path, run: Run) -> None:
    text, said = UNSURE[case]
    found = discover(str(mkfiles(tmp_path / "p", {"m.py": text})))
    assert found.entries == ()
    (line,) = found.unsure
    assert line.endswith(f"{said} is known only when it runs")
    done = run("plugins", "discover", str(tmp_path / "p"))
    assert (done.status, done.out) == (0, "")
    assert f"{said} is known only when it runs; --import finds out" in done.err


DYNAMIC = {
    "dyn/__init__.py": "from .made import *\nfrom .made import a as again\n",
    "dyn/made.py": """
        from pylightnix.plugins import Plugin, PluginSpec, plugin

        for letter in "abc":
            globals()[letter] = PluginSpec("n", letter, Plugin)


        @plugin("n")
        def f(): ...


        class D(Plugin):
            namespace = "n"
            name = "".join("d")


        same = D
        """,
    "dyn/user.py": "from dyn import a, b\nfrom dyn.made import D, f\nz = a\n",
}


def test_importing_finds_what_reading_cannot(tmp_path: Path, site: Path) -> None:
    project = mkfiles(tmp_path / "p", DYNAMIC)
    before = list(sys.path)
    found = discover_imported(str(project))
    assert points(found) == {
        "n/a": "dyn.user:z",
        "n/b": "dyn.made:b",
        "n/c": "dyn.made:c",
        "n/d": "dyn.made:D",
        "n/f": "dyn.made:f",
    }
    assert sys.path == before
    assert set(points(discover(str(project)))) == {"n/f"}


def test_patterns_say_which_modules_are_meant(tmp_path: Path) -> None:
    spec = "from pylightnix.plugins import PluginSpec\ns = PluginSpec('{}', 's', None)\n"
    names = ["a/__init__", "a/b", "a/tests/__init__", "a/tests/t", "tests/__init__", "top", "setup"]
    files = {f"{name}.py": spec.format(name) for name in [*names, "conftest", "no_package/x"]}
    where = str(mkfiles(tmp_path, files))

    def found(*exclude: str, include: tuple[str, ...] = ("*",)) -> list[str]:
        return sorted(load_entry_points(where, exclude, include))

    all_of_a = ["a/__init__", "a/b", "a/tests/__init__", "a/tests/t"]
    assert found() == [*all_of_a, "tests/__init__", "top"]
    assert found("tests", "tests.*", "a.tests") == ["a/__init__", "a/b", "top"]
    assert found(include=("a",)) == all_of_a
    assert found(include=("a.b", "t?p")) == ["a/b", "top"]


def test_entry_points_of_a_setup_py_are_lists_of_lines(tmp_path: Path) -> None:
    spec = "from pylightnix.plugins import PluginSpec\ns = PluginSpec('n', 's', None)\n"
    where = str(mkfiles(tmp_path, {"m.py": spec}))
    assert load_entry_points(where, merge={"n": ["s = m:s", "t = x:y"], "o": ["a = b:c"]}) == {
        "n": ["s = m:s", "t = x:y"],
        "o": ["a = b:c"],
    }


def test_a_build_warns_of_a_plugin_that_it_cannot_see(tmp_path: Path) -> None:
    lost = "from nowhere_at_all import Base\nclass A(Base):\n    name = 'a'\n"
    with pytest.warns(UserWarning, match="may be lost: .*whether class A is a Plugin"):
        assert load_entry_points(str(mkfiles(tmp_path, {"m.py": lost}))) == {}


def test_a_base_may_be_in_a_module_that_is_left_out(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/old.py": """
            from pylightnix.plugins import Plugin
            class Base(Plugin):
                namespace = "n"
            class Old(Base):
                name = "old"
            """,
        "shop/new.py": "from .old import Base\nclass A(Base):\n    name = 'a'\n",
    }
    where = str(mkfiles(tmp_path, files))
    assert load_entry_points(where, exclude=["*.old"]) == {"n": ["a = shop.new:A"]}


def test_src_is_where_packages_are_if_it_is_there(tmp_path: Path, run: Run) -> None:
    spec = "from pylightnix.plugins import PluginSpec\ns = PluginSpec('n', 's', None)\n"
    project = mkfiles(tmp_path / "p", {"src/shop/__init__.py": spec, "junk.py": spec})
    assert run("plugins", "discover", str(project)).out == "[n]\ns = shop:s\n"
    assert run("plugins", "discover", str(project), "--where", ".").out == "[n]\ns = junk:s\n"
    out = str(tmp_path / "out.json")
    assert run("plugins", "discover", str(project), "--format=json", "--output", out).out == ""
    assert Path(out).read_text() == '{"n": {"s": "shop:s"}}\n'


def test_check_says_what_differs(tmp_path: Path, run: Run) -> None:
    spec = "from pylightnix.plugins import PluginSpec\ns = PluginSpec('n', 's', None)\n"
    project = mkfiles(tmp_path / "p", {"m.py": spec, "plugins.ini": "[n]\nold = m:old\n"})
    done = run("plugins", "check", str(project))
    assert (done.status, done.out) == (1, "+n: s = m:s\n-n: old = m:old\n")
    assert "plugins entrypoints" in done.err
    assert run("plugins", "entrypoints", str(project), "--json").json["plugins"] == 1
    done = run("plugins", "check", str(project), "--json")
    assert (done.status, done.json["ok"], done.json["missing"]) == (0, True, [])
    assert sorted(path.name for path in project.iterdir()) == ["m.py", "plugins.ini"]


SETTINGS = {
    "no table": "[tool.pylightnix]\nplugins = 3\n",
    "a number": "[tool.pylightnix.plugins]\nwhere = 3\n",
    "no list": "[tool.pylightnix.plugins]\ninclude = 'x'\n",
    "a list": "[tool.pylightnix.plugins]\nfile = ['x']\n",
    "no TOML": "[tool",
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_cannot_be_meant_are_refused(case: str, tmp_path: Path, run: Run) -> None:
    project = mkfiles(tmp_path / "p", {"pyproject.toml": SETTINGS[case]})
    done = run("plugins", "discover", str(project))
    assert done.status == 1
    assert done.err.count("\n") == 1


def test_a_name_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    spec = "from pylightnix.plugins import PluginSpec\ns = PluginSpec('n', 'a=b', None)\n"
    with pytest.raises(InvalidEntryPoints, match=r"m\.py:2: 'a=b' cannot be the name"):
        load_entry_points(str(mkfiles(tmp_path, {"m.py": spec})))


def test_two_of_one_name_are_a_conflict_when_imported_too(tmp_path: Path, site: Path) -> None:
    spec = "from pylightnix.plugins import Plugin, PluginSpec\ns = PluginSpec('n', 's', Plugin)\n"
    with pytest.raises(PluginConflict, match="'s' in n"):
        discover_imported(str(mkfiles(tmp_path / "p", {"one_c.py": spec, "two_c.py": spec})))
