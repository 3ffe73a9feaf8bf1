"""From a name to a loaded plugin: every step is told, whatever is broken is told, others go on."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.shop import Run
from plugins.conftest import Install
from pylightnix.plugins import (
    Complaint,
    Entry,
    FunctionPlugin,
    Index,
    NoSuchPlugin,
    NotCallable,
    Plugin,
    PluginConflict,
    PluginDisabled,
    PluginError,
    PluginException,
    PluginFailed,
    PluginLifecycleListener,
    PluginManager,
    PluginSpec,
    examine,
    plugin,
)

BROKEN = {
    "broken_import.py": "raise OSError('no import')\n",
    "broken_exit.py": "raise SystemExit('bye')\n",
    "broken_init.py": """
        from pylightnix.plugins import Plugin


        class Init(Plugin):
            namespace = "pylightnix.commands"
            name = "init-fails"

            def __init__(self):
                raise ValueError("no init")
        """,
    "broken_load.py": """
        from pylightnix.plugins import Plugin, PluginDisabled, plugin


        class Load(Plugin):
            namespace = "pylightnix.commands"
            name = "load-fails"

            def load(self):
                raise KeyError("no load")


        class Off(Plugin):
            namespace = "pylightnix.commands"
            name = "off"

            def load(self):
                raise PluginDisabled("no docker here")


        @plugin("pylightnix.commands")
        def good(argv):
            return 0


        NUMBER = 3
        """,
}
POINTS = {
    "pylightnix.commands": [
        "import-fails = broken_import:Anything",
        "exits = broken_exit:Anything",
        "init-fails = broken_init:Init",
        "load-fails = broken_load:Load",
        "off = broken_load:Off",
        "good = broken_load:good",
        "number = broken_load:NUMBER",
        "renamed = broken_load:good",
        "nothing = broken_load:nothing",
    ]
}
STATES = {
    "exits": "resolved",
    "good": "ok",
    "import-fails": "resolved",
    "init-fails": "init",
    "load-fails": "loaded",
    "nothing": "resolved",
    "number": "resolved",
    "off": "disabled",
    "renamed": "resolved",
}


class Diary(PluginLifecycleListener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_resolve_exception(self, namespace: str, entrypoint: Entry, exception: Exception) -> None:
        self.lines.append(f"resolve failed {entrypoint.name}: {type(exception).__name__}")

    def on_resolve_after(self, spec: PluginSpec) -> None:
        self.lines.append(f"resolved {spec.name}")

    def on_init_exception(self, spec: PluginSpec, exception: Exception) -> None:
        self.lines.append(f"init failed {spec.name}: {exception!r}")

    def on_init_after(self, spec: PluginSpec, plugin: Plugin) -> None:
        self.lines.append(f"init {plugin.name}")

    def on_load_before(
        self,
        spec: PluginSpec,
        plugin: Plugin,
        load_args: Sequence[Any],
        load_kwargs: Mapping[str, Any],
    ) -> None:
        self.lines.append(f"loading {spec.name} {load_args} {load_kwargs}")

    def on_load_after(self, spec: PluginSpec, plugin: Plugin, result: Any) -> None:
        self.lines.append(f"loaded {spec.name}: {result}")

    def on_load_exception(self, spec: PluginSpec, plugin: Plugin, exception: Exception) -> None:
        self.lines.append(f"load failed {spec.name}: {exception!r}")


@pytest.fixture
def broken(install: Install, index: Index) -> Index:
    install("broken-plugins", POINTS, BROKEN)
    return index


def test_a_broken_plugin_is_told_and_the_others_load(broken: Index) -> None:
    diary = Diary()
    manager: PluginManager[Plugin] = PluginManager(
        "pylightnix.commands", listener=diary, index=broken
    )
    assert [one.name for one in manager.load_all()] == ["good"]
    assert diary.lines == [
        "resolve failed exits: RuntimeError",
        "resolved good",
        "init good",
        "loading good () {}",
        "loaded good: None",
        "resolve failed import-fails: OSError",
        "resolved init-fails",
        "init failed init-fails: ValueError('no init')",
        "resolved load-fails",
        "init load-fails",
        "loading load-fails () {}",
        "load failed load-fails: KeyError('no load')",
        "resolve failed nothing: AttributeError",
        "resolve failed number: NotAPlugin",
        "resolved off",
        "init off",
        "loading off () {}",
        "resolve failed renamed: NotAPlugin",
    ]
    with pytest.raises(PluginFailed, match="SystemExit: bye"):
        manager.load_all(propagate_exceptions=True)


def test_an_error_names_plugin_cause_and_distribution(broken: Index) -> None:
    manager: PluginManager[Plugin] = PluginManager("pylightnix.commands", index=broken)
    said = {
        "import-fails": "could not be imported: OSError: no import",
        "init-fails": "could not be created: ValueError: no init",
        "load-fails": "could not be loaded: KeyError: 'no load'",
        "number": "it must be a PluginSpec, a Plugin with namespace and name, or a function",
        "renamed": "its entry points are out of date: build it again",
    }
    for name, words in said.items():
        with pytest.raises(PluginFailed) as caught:
            manager.load(name)
        assert words in str(caught.value)
        assert f"plugin {name!r} of pylightnix.commands" in str(caught.value)
        assert "broken-plugins 1.0" in str(caught.value)
    with pytest.raises(PluginDisabled, match=r"'off' of pylightnix\.commands.*: no docker here"):
        manager.load("off")
    with pytest.raises(NoSuchPlugin, match=r"there are exits, good, import-fails, .*renamed$"):
        manager.load("goood")


def test_the_doctor_tells_the_same(broken: Index) -> None:
    found = examine(index=broken)
    assert {one.entry.name: one.state for one in found} == STATES
    without = {one.entry.name: one.state for one in examine(index=broken, load=False)}
    assert without == STATES | {"load-fails": "ok", "off": "ok"}
    assert examine(["pylightnix.stages"], index=broken) == []


def test_the_doctor_on_the_command_line(install: Install, run: Run) -> None:
    install("broken-plugins", POINTS, BROKEN)
    done = run("plugins", "doctor")
    assert done.status == 1
    lines = {line.split()[2]: line for line in done.lines[:-1]}
    assert {name: line.split()[0] for name, line in lines.items()} == {
        name: {"ok": "ok", "disabled": "off"}.get(state, "BAD") for name, state in STATES.items()
    }
    assert "import: OSError: no import" in lines["import-fails"]
    assert "init: ValueError: no init" in lines["init-fails"]
    assert "load: KeyError: 'no load'" in lines["load-fails"]
    assert "broken-plugins 1.0" in lines["load-fails"]
    assert done.lines[-1] == "7 of 9 plugins broken"
    assert run("good").status == 0
    assert run("load-fails").status == 1


class Spoiler(PluginLifecycleListener):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def on_init_after(self, spec: PluginSpec, plugin: Plugin) -> None:
        raise self.error


def test_a_broken_listener_breaks_nothing(broken: Index, caplog: pytest.LogCaptureFixture) -> None:
    listeners = [Spoiler(RuntimeError("oops")), Diary()]
    manager: PluginManager[Plugin] = PluginManager(
        "pylightnix.commands", listener=listeners, index=broken
    )
    with caplog.at_level(logging.ERROR):
        assert manager.load("good").name == "good"
    assert "on_init_after" in caplog.text
    assert "loaded good: None" in listeners[1].lines  # type: ignore[attr-defined]


def test_a_listener_can_stop_the_loading(broken: Index) -> None:
    manager: PluginManager[Plugin] = PluginManager("pylightnix.commands", index=broken)
    manager.add_listener(Spoiler(PluginException("not today")))
    with pytest.raises(PluginException, match="not today"):
        manager.load_all()


class Greeter(Plugin):
    namespace, name = "greet", "ann"

    def load(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs


class Given:
    def __init__(self, *specs: PluginSpec) -> None:
        self.specs = specs

    def find_plugins(self) -> Sequence[PluginSpec]:
        return self.specs


def test_load_is_given_what_the_manager_was_given() -> None:
    finder = Given(PluginSpec("greet", "ann", Greeter), PluginSpec("other", "ann", Greeter))
    manager: PluginManager[Greeter] = PluginManager("greet", (1, 2), {"x": 3}, finder=finder)
    loaded = manager.load("ann")
    assert manager.get_container("ann").result == ((1, 2), {"x": 3})
    assert manager.load("ann") is loaded
    assert manager.list_names() == ["ann"]
    assert manager.list_plugin_specs() == [PluginSpec("greet", "ann", Greeter)]
    assert manager.get_container("ann").distribution is None
    with pytest.raises(NoSuchPlugin, match="there are ann"):
        manager.load("bob")


def test_two_specs_of_one_name_from_a_finder_are_a_conflict_too() -> None:
    finder = Given(
        PluginSpec("greet", "ann", Greeter), PluginSpec("greet", "ann", lambda: Greeter())
    )
    manager: PluginManager[Greeter] = PluginManager("greet", finder=finder)
    assert manager.load_all() == []
    with pytest.raises(PluginConflict):
        manager.load("ann")


def test_a_factory_that_gives_no_plugin_is_an_error() -> None:
    finder = Given(PluginSpec("greet", "ann", lambda: "ann"))  # type: ignore[arg-type,return-value]
    with pytest.raises(PluginFailed, match="the factory gave 'ann', which is no Plugin"):
        PluginManager[Plugin]("greet", finder=finder).load("ann")


@plugin("greet", should_load=lambda: False)
def switched_off(who: str) -> str:
    """Say hello."""
    return f"hello, {who}"


@plugin("greet", "by-name", should_load=True, load=lambda *args: args)
def named(who: str) -> str:
    return who


def test_a_function_plugin_is_a_function_and_a_plugin() -> None:
    assert isinstance(switched_off, FunctionPlugin)
    assert switched_off("ann") == "hello, ann"
    assert (switched_off.namespace, switched_off.name) == ("greet", "switched_off")
    assert switched_off.__doc__ == "Say hello."
    assert not switched_off.should_load()
    assert (named.name, named.load(1, 2)) == ("by-name", (1, 2))
    assert pickle.loads(pickle.dumps(named)) is named
    again = pickle.loads(pickle.dumps(FunctionPlugin(len, "greet", "len")))
    assert (again("four"), again.name, again.should_load()) == (4, "len", True)


@pytest.mark.parametrize(
    "error",
    [
        NoSuchPlugin("n", "a", "d 1", ("b",)),
        PluginConflict("n", "a", ("x", "y")),
        PluginFailed("n", "a", "init", "m:A of d 1", "ValueError: no"),
        PluginDisabled("why", "n", "a"),
        NotCallable("n", "a", "f()"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_the_trip_from_a_worker(error: PluginError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
    assert "'a'" in str(error)


def test_a_complaint_is_fine_unless_something_is_broken() -> None:
    entry = Entry("n", "a", "m:A")
    assert [Complaint(entry, state).ok for state in ("ok", "gone", "disabled", "conflict")] == [
        True,
        True,
        True,
        False,
    ]


def test_the_index_is_not_in_anybodys_own_home(home: Path) -> None:
    assert Index().file.startswith(str(home))
