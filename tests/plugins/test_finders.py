"""Finders, and what stands for a factory before anything is imported."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from plugins.conftest import Install
from pylightnix.plugins import (
    Entry,
    EntryPointFinder,
    FunctionPlugin,
    Index,
    MatchingPluginFilter,
    ModuleFinder,
    Plugin,
    PluginFinder,
    PluginLifecycleListener,
    PluginManager,
    PluginSpec,
    examine,
    plugin,
)
from pylightnix.plugins.resolve import Deferred, value_of

FILES = {"shop_f.py": "def a(): ...\ndef b(): ...\n"}
POINTS = {"shop": ["a = shop_f:a", "b = shop_f:b", "c = shop_g:c"]}


class Failures(PluginLifecycleListener):
    def __init__(self) -> None:
        self.names: list[str] = []

    def on_resolve_exception(self, namespace: str, entrypoint: Entry, exception: Exception) -> None:
        self.names.append(entrypoint.name)


def test_the_finder_of_what_is_installed_tells_of_what_does_not_import(
    install: Install, index: Index
) -> None:
    install("shop-f", POINTS, FILES)
    failures = Failures()
    finder = EntryPointFinder("shop", failures, index)
    assert [spec.name for spec in finder.find_plugins()] == ["a", "b"]
    assert failures.names == ["c"]
    manager: PluginManager[Plugin] = PluginManager("shop", finder=finder)
    assert isinstance(manager.load("a"), FunctionPlugin)
    assert len(EntryPointFinder("shop", index=index).find_plugins()) == 2
    assert EntryPointFinder("shop").listener is not failures


def test_listing_specs_leaves_out_what_does_not_import(install: Install, index: Index) -> None:
    install("shop-f", POINTS, FILES)
    failures = Failures()
    manager: PluginManager[Plugin] = PluginManager("shop", listener=[failures], index=index)
    assert [spec.name for spec in manager.list_plugin_specs()] == ["a", "b"]
    assert failures.names == ["c"]


def test_the_finder_of_modules_finds_each_plugin_once() -> None:
    home, user = ModuleType("home_m"), ModuleType("user_m")

    class Ann(Plugin):
        namespace, name = "greet", "ann"

    Ann.__module__ = "home_m"
    spec = PluginSpec("greet", "bob", Ann)
    vars(home).update(Ann=Ann, again=Ann, spec=spec, other=3)
    vars(user).update(Ann=Ann, spec=spec)
    found = ModuleFinder([home, user]).find_plugins()
    assert [(one.namespace, one.name) for one in found] == [("greet", "ann"), ("greet", "bob")]


def test_a_finder_may_be_derived_from_the_port() -> None:
    class Nothing(PluginFinder):
        def find_plugins(self) -> list[PluginSpec]:
            return []

    assert PluginManager[Plugin]("shop", finder=Nothing()).list_names() == []


def test_a_finder_that_finds_nothing_because_it_is_not_written_is_not_made() -> None:
    class Unwritten(PluginFinder):
        pass

    with pytest.raises(TypeError, match="find_plugins"):
        Unwritten()  # type: ignore[abstract]


def test_a_filter_sees_where_a_factory_is_without_importing_it(
    install: Install, index: Index
) -> None:
    install("shop-f", POINTS, FILES)
    seen: list[PluginSpec] = []
    manager: PluginManager[Any] = PluginManager("shop", filters=[seen.append], index=index)  # type: ignore[list-item]
    assert manager.list_names() == ["a", "b", "c"]
    assert [value_of(spec.factory) for spec in seen] == ["shop_f:a", "shop_f:b", "shop_g:c"]
    assert "shop_f" not in sys.modules
    made = seen[0].factory()
    assert made.name == "a"
    assert "shop_f" in sys.modules


@plugin("greet")
def hello() -> None: ...


class Callable_:
    def __call__(self) -> Plugin:
        return Plugin()


def test_where_a_factory_is_can_be_told_of_anything() -> None:
    assert value_of(hello) == f"{__name__}:hello"
    assert value_of(Callable_()) == f"{__name__}:Callable_"
    assert value_of(Deferred(Entry("n", "a", "m.x:A.b [extra]"))) == "m.x:A.b"
    leave_out = MatchingPluginFilter()
    assert not leave_out(PluginSpec("n", "a", Plugin))
    leave_out.add_exclusion(value="*:Callable_", name="a*")
    assert leave_out(PluginSpec("n", "ab", Callable_()))
    assert not leave_out(PluginSpec("n", "b", Callable_()))


def test_the_doctor_tells_of_conflicts_and_of_what_cannot_be_imported(
    install: Install, index: Index
) -> None:
    install("shop-f", POINTS, FILES)
    install("shop-h", {"shop": ["a = shop_f:b"]})
    found = {one.entry.name: one for one in examine(["shop"], index=index)}
    assert {name: one.state for name, one in found.items()} == {
        "a": "conflict",
        "b": "ok",
        "c": "resolved",
    }
    assert "shop_f:a of shop-f 1.0, shop_f:b of shop-h 1.0" in found["a"].detail
    assert not found["a"].ok


def test_a_plugin_can_be_written_without_a_factory_of_its_own() -> None:
    class Plain(Plugin):
        namespace, name = "greet", "plain"

    plain = Plain()
    assert plain.should_load()
    assert plain.load(1, x=2) is None
    assert plain.requirements == ()
    with pytest.raises(AttributeError):
        _ = Plugin().name
