"""Ten faults of the prior art, each of which is none here."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from cli.shop import Done
from plugin_projects import mkfiles
from plugins.conftest import Install
from pylightnix.cli import main
from pylightnix.plugins import (
    CannotDiscover,
    CompositePluginLifecycleListener,
    Entry,
    Index,
    MatchingPluginFilter,
    NoSuchPlugin,
    Plugin,
    PluginConflict,
    PluginFailed,
    PluginLifecycleListener,
    PluginManager,
    PluginSpec,
    discover,
)

CLASSES = """
    from pylightnix.plugins import Plugin


    class A(Plugin):
        namespace = "shop"
        name = "a"


    class B(Plugin):
        namespace = "shop"
        name = "b"
    """
POINTS = {"shop": ["a = shop_a:A", "b = shop_a:B"]}


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Done:
    capsys.readouterr()
    status = main(words)
    printed = capsys.readouterr()
    return Done(status, printed.out, printed.err)


def test_1_filters_given_to_the_manager_work(install: Install, index: Index) -> None:
    install("shop-a", POINTS, {"shop_a.py": CLASSES})
    without_b = MatchingPluginFilter()
    without_b.add_exclusion(namespace="sh*", name="b")
    manager: PluginManager[Plugin] = PluginManager("shop", filters=[without_b], index=index)
    assert manager.list_names() == ["a"]
    assert "shop_a" not in sys.modules
    assert [plugin.name for plugin in manager.load_all()] == ["a"]
    with pytest.raises(NoSuchPlugin):
        manager.load("b")
    by_value = MatchingPluginFilter()
    by_value.add_exclusion(value="shop_a:A")
    manager = PluginManager("shop", filters=[by_value], index=index)
    assert [spec.name for spec in manager.list_plugin_specs()] == ["b"]


def test_2_a_spec_of_a_module_is_found_by_its_variable(tmp_path: Path) -> None:
    text = """
        from pylightnix.plugins import Plugin, PluginSpec


        def factory(name):
            def create():
                return Plugin()

            return create


        s3 = PluginSpec("services", "s3", factory("s3"))
        """
    found = discover(str(mkfiles(tmp_path, {"services.py": text})))
    assert [(e.namespace, e.name, e.value) for e in found.entries] == [
        ("services", "s3", "services:s3")
    ]


def test_3_what_a_second_module_imports_is_found_once(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "from .plugins import *\nfrom .plugins import A as Again\n",
        "shop/plugins.py": CLASSES,
        "shop/more.py": "from shop.plugins import A, B\nfrom shop import Again\n",
    }
    found = discover(str(mkfiles(tmp_path, files)))
    assert [e.value for e in found.entries] == ["shop.plugins:A", "shop.plugins:B"]


def test_4_a_module_that_does_not_import_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], site: Path
) -> None:
    files = {"good4.py": CLASSES, "broken4.py": "import nothing_of_that_name\n"}
    project = str(mkfiles(tmp_path / "p", files))
    for command in ("discover", "entrypoints"):
        done = told(capsys, "plugins", command, project, "--import")
        assert done.status == 1
        assert "broken4.py: ModuleNotFoundError" in done.err
    assert not (tmp_path / "p" / "plugins.ini").exists()
    going = told(capsys, "plugins", "discover", project, "--import", "--keep-going")
    assert going.status == 0
    assert "a = good4:A" in going.out
    assert "left out" in going.err


def test_4_a_module_that_does_not_parse_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"good4.py": CLASSES, "broken4.py": "def f(:\n", "binary4.py": "a = 1\0\n"}
    project = str(mkfiles(tmp_path / "p", files))
    done = told(capsys, "plugins", "discover", project)
    assert done.status == 1
    assert "broken4.py, line 1: invalid syntax" in done.err
    assert told(capsys, "plugins", "discover", project, "--keep-going").status == 0
    with pytest.raises(CannotDiscover) as caught:
        discover(project)
    assert len(caught.value.modules) == 2


def test_5_a_fresh_entry_point_is_seen_at_once(install: Install, index: Index, site: Path) -> None:
    manager: PluginManager[Plugin] = PluginManager("shop", index=index)
    assert manager.list_names() == []
    for n in range(20):
        info = install("shop-a", {"shop": [f"n{n} = shop_a:A"]})
        assert manager.list_names() == [f"n{n}"]
        # Not even length and time of the file need to change.
        before = (info / "entry_points.txt").stat()
        (info / "entry_points.txt").write_text(f"[shop]\nm{n} = shop_a:A\n")
        os.utime(info / "entry_points.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert manager.list_names() == [f"m{n}"]
        with pytest.raises(NoSuchPlugin):
            manager.load(f"n{n}")


def test_5_a_module_that_came_after_its_folder_was_searched_is_imported(
    install: Install, index: Index
) -> None:
    with pytest.raises(ModuleNotFoundError):
        __import__("shop_a")
    install("shop-a", POINTS, {"shop_a.py": CLASSES})
    assert PluginManager[Plugin]("shop", index=index).load("a").name == "a"


def test_6_a_failed_load_can_be_tried_again(install: Install, index: Index) -> None:
    text = """
        from pylightnix.plugins import Plugin

        ready = []


        class Shy(Plugin):
            namespace = "shop"
            name = "shy"

            def load(self):
                if not ready:
                    raise ConnectionError("not yet")
                return "welcome"
        """
    install("shop-shy", {"shop": ["shy = shop_shy:Shy"]}, {"shop_shy.py": text})
    manager: PluginManager[Plugin] = PluginManager("shop", index=index)
    with pytest.raises(PluginFailed, match="ConnectionError: not yet") as caught:
        manager.load("shy")
    assert isinstance(caught.value.__cause__, ConnectionError)
    container = manager.get_container("shy")
    assert (container.is_init, container.is_loaded) == (True, False)
    assert isinstance(container.load_error, ConnectionError)

    sys.modules["shop_shy"].ready.append(1)
    assert manager.load("shy").name == "shy"
    assert vars(container)["load_error"] is None
    assert vars(container)["is_loaded"] is True
    assert container.result == "welcome"
    assert manager.is_loaded("shy")


def test_6_a_failed_import_can_be_tried_again(install: Install, index: Index, site: Path) -> None:
    install("shop-a", POINTS, {"shop_a.py": "raise OSError('no disk')\n"})
    manager: PluginManager[Plugin] = PluginManager("shop", index=index)
    with pytest.raises(PluginFailed, match="could not be imported: OSError: no disk"):
        manager.load("a")
    mkfiles(
        site, {"shop_a.py": CLASSES + "\n    # longer, since byte code is kept by time and size\n"}
    )
    assert manager.load("a").name == "a"
    assert manager.get_container("a").resolve_error is None


class Told(PluginLifecycleListener):
    def __init__(self) -> None:
        self.of: list[tuple[str, str, str]] = []

    def on_resolve_exception(self, namespace: str, entrypoint: Entry, exception: Exception) -> None:
        self.of.append((namespace, entrypoint.distribution, type(exception).__name__))


def test_7_two_plugins_of_one_name_are_reported_and_none_is_taken(
    install: Install, index: Index
) -> None:
    install("shop-a", POINTS, {"shop_a.py": CLASSES})
    install("shop-b", {"shop": ["a = shop_b:A"]}, {"shop_b.py": CLASSES})
    listener = Told()
    manager: PluginManager[Plugin] = PluginManager("shop", listener=listener, index=index)
    assert manager.list_names() == ["a", "b"]
    with pytest.raises(PluginConflict, match=r"shop_a:A of shop-a 1\.0, shop_b:A of shop-b 1\.0"):
        manager.load("a")
    assert [plugin.name for plugin in manager.load_all()] == ["b"]
    assert listener.of == [
        ("shop", "shop-a 1.0", "PluginConflict"),
        ("shop", "shop-b 1.0", "PluginConflict"),
    ]
    with pytest.raises(PluginConflict):
        manager.load_all(propagate_exceptions=True)


def test_7_two_plugins_of_one_name_are_not_built(tmp_path: Path) -> None:
    files = {"one.py": CLASSES, "two.py": CLASSES}
    with pytest.raises(PluginConflict, match=r"one:A .*one\.py:4\), two:A .*two\.py:4\)"):
        discover(str(mkfiles(tmp_path, files)))


def test_7_specs_hash_and_compare_with_anything() -> None:
    one, same = PluginSpec("n", "a", Plugin), PluginSpec("n", "a", Plugin)
    assert one == same
    assert len({one, same, PluginSpec("n", "b", Plugin), PluginSpec("n", "a", list)}) == 3  # type: ignore[arg-type]
    assert one != object()
    assert one != PluginSpec("n", "a", list)  # type: ignore[arg-type]


def test_8_the_documented_settings_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = """
        [tool.pylightnix.plugins]
        file = "points.ini"
        where = "lib"
        include = ["shop.*"]
        exclude = ["shop.old"]
        """
    files = {
        "pyproject.toml": settings,
        "lib/shop/__init__.py": "",
        "lib/shop/new.py": CLASSES,
        "lib/shop/old.py": CLASSES,
        "lib/other/__init__.py": CLASSES,
    }
    project = mkfiles(tmp_path / "p", files)
    assert told(capsys, "plugins", "entrypoints", str(project)).status == 0
    assert (project / "points.ini").read_text() == "[shop]\na = shop.new:A\nb = shop.new:B\n"
    (project / "pyproject.toml").write_text("[tool.pylightnix.plugins]\nmode = 'x'\n")
    done = told(capsys, "plugins", "check", str(project))
    assert done.status == 1
    assert "unknown settings: mode; there are file, where, include, exclude" in done.err


def test_9_listing_imports_nothing(install: Install, index: Index) -> None:
    install("shop-a", POINTS, {"shop_a.py": CLASSES})
    before = set(sys.modules)
    manager: PluginManager[Plugin] = PluginManager("shop", index=index)
    assert manager.list_names() == ["a", "b"]
    assert [c.name for c in manager.list_containers()] == ["a", "b"]
    assert not manager.is_loaded("a")
    assert not {name for name in set(sys.modules) - before if not name.startswith("importlib")}


def test_10_discovery_runs_nothing_of_the_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "import nothing_of_that_name\n\nraise SystemExit(7)\n\n" + dedent(CLASSES)
    project = mkfiles(tmp_path / "p", {"wants_much.py": text})
    done = told(capsys, "plugins", "discover", str(project), "--format", "json")
    assert json.loads(done.out) == {"shop": {"a": "wants_much:A", "b": "wants_much:B"}}
    assert "wants_much" not in sys.modules


def test_listeners_can_be_put_together() -> None:
    one, two = Told(), Told()
    both = CompositePluginLifecycleListener([one])
    both.add_listener(two)
    both.on_resolve_exception("n", Entry("n", "a", "m:A", "d 1"), ValueError())
    assert one.of == two.of == [("n", "d 1", "ValueError")]
