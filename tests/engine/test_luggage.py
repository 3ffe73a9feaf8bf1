"""Modules that a builder in a sandbox imports while it runs."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pylightnix import (
    Build,
    BuildFailed,
    Store,
    build_wrapper,
    config_dict,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    realize,
)
from pylightnix.engine.confine import RealizerRaised
from pylightnix.engine.luggage import Text, Unpacked, packed_with_texts, where
from pylightnix.engine.travel import by_value
from pylightnix.sandbox.policy import Policy
from sandboxes import boxed, needs
from stages_for_tests import text_of, write_text

Project: TypeAlias = Callable[[Mapping[str, str]], Path]

STAGE = """\
import sys
from pathlib import Path

from pylightnix import Store, autostage, instantiate, realize, rref2path, selfpath, use_store
from pylightnix.sandbox import Policy


def load():
    {by} import helper

    return helper.twice(20)


@autostage(policy=Policy())
def train(out=selfpath("x")):
    {by} import helper

    Path(out).write_text(str(helper.twice(1) + load()))


if __name__ == "__main__":
    with use_store(Store.open(sys.argv[1], create=True, durability="none")):
        rref = realize(instantiate(train), jobs=int(sys.argv[2]))
        print((rref2path(rref) / "x").read_text())
"""
FILES = {
    "train.py": STAGE.replace("{by} ", ""),
    "helper.py": "import deeper\n\ndef twice(x):\n    return deeper.add(x, x)\n",
    "deeper.py": "def add(a, b):\n    return a + b\n",
    "late_pkg/__init__.py": "",
    "late_pkg/train.py": STAGE.replace("{by}", "from ."),
    "late_pkg/helper.py": "from .deeper import add\n\ndef twice(x):\n    return add(x, x)\n",
    "late_pkg/deeper.py": "from . import helper\n\ndef add(a, b):\n    return a + b\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A maker of folders with modules of the user's, which are found and in the end forgotten."""
    top = tmp_path / "project"
    before = set(sys.modules)

    def make(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.syspath_prepend(top)
        return top

    yield make
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(top)):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("argv", "folder", "jobs"),
    [
        (["train.py"], "", 1),
        (["{top}/train.py"], "/", 2),
        (["-m", "train"], "", 2),
        (["-m", "late_pkg.train"], "", 1),
    ],
    ids=["script", "from elsewhere", "module", "in a package"],
)
def test_a_stage_in_a_sandbox_imports_its_neighbours_however_it_is_run(
    argv: list[str], folder: str, jobs: int, project: Project, tmp_path: Path
) -> None:
    boxed()
    top = project(FILES)
    argv = [word.format(top=top) for word in argv]
    done = subprocess.run(
        [sys.executable, *argv, str(tmp_path / "root"), str(jobs)],
        cwd=folder or top,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("42\n", 0), done.stderr


def test_what_it_imports_from_its_package_is_part_of_its_name(
    project: Project, current: Store
) -> None:
    project(FILES)
    stage: Any = import_module("late_pkg.train").train
    parts: Any = config_dict(instantiate(stage).derivations[0].config)["__source__"]
    assert set(parts) == {"train", "load", "twice", "add"}


@pytest.mark.parametrize("backend", ["bubblewrap", "unshare", "landlock"])
def test_an_error_in_such_a_module_is_told_with_its_lines(
    backend: str, project: Project, store: Store
) -> None:
    needs(backend)
    project({"late_fails.py": "def call():\n    return [][1]  # here\n"})

    def build(b: Build) -> None:
        import late_fails  # type: ignore[import-not-found]

        write_text(b, late_fails.call())

    with pytest.raises(BuildFailed) as caught:
        made(store, build, Policy(backend=backend, require={"fs", "net"}, pids=None))
    with open(caught.value.log, encoding="utf-8") as log:
        assert 'late_fails.py", line 2, in call\n    return [][1]  # here' in log.read()


def made(store: Store, function: Callable[[Build], None], policy: Policy) -> str:
    """What such a builder writes."""
    realizer = build_wrapper(function, policy=policy)
    closure = instantiate(lambda: mkdrv(mkconfig({}), match_only(), realizer), store=store)
    return text_of(store, realize(closure))


def dynamic(b: Build) -> None:
    write_text(b, import_module("late_named").WORD)


def test_a_module_that_no_import_statement_names_is_told_with_what_to_do(
    project: Project, store: Store
) -> None:
    policy = boxed()
    top = project({"late_named.py": "WORD = 'found'\n"})
    with pytest.raises(BuildFailed) as caught:
        made(store, dynamic, policy)
    cause = caught.value.__cause__
    assert isinstance(cause, RealizerRaised)
    assert str(pickle.loads(pickle.dumps(cause))) == str(cause)
    told = f"No module named 'late_named'. Here it is {top}/late_named.py."
    assert told in str(cause)
    assert f"Policy(ro=['{top}'])" in str(cause)
    assert made(store, dynamic, Policy(ro=[str(top)])) == "found"


def test_a_module_that_is_nowhere_is_told_as_python_tells_it(store: Store) -> None:
    def build(b: Build) -> None:
        import late_nowhere  # type: ignore[import-not-found]

        write_text(b, late_nowhere)

    with pytest.raises(BuildFailed) as caught:
        made(store, build, boxed())
    assert str(caught.value.__cause__) == "ModuleNotFoundError: No module named 'late_nowhere'"


MODULES = {
    "late_a.py": "import late_b, json\n",
    "late_b.py": "def f():\n    import late_a\n    import late_c as c\n",
    "late_c.py": "this is no Python\n",
    "late_d/__init__.py": "",
    "late_d/e.py": "class E:\n    def f(self):\n        from . import g\n",
    "late_d/g.py": "from ... import beyond\n",
    "late_n/inner/m.py": "from ..other import *\n",
    "late_n/other.py": "",
}


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("import json, sys, pylightnix", ""),
        ("import late_nothing, late_a.nothing", "late_a late_b late_c"),
        ("import late_a as a", "late_a late_b late_c"),
        ("from late_b import f", "late_a late_b late_c"),
        ("(lambda: __import__)\n    def f():\n        import late_c", "late_c"),
        ("from late_d.e import E", "late_d late_d.e late_d.g"),
        ("from late_d import g, nothing", "late_d late_d.g"),
        ("import late_n.inner.m", "late_n late_n.inner late_n.inner.m late_n.other"),
        ("from . import relative", ""),
        ("from .a import b", ""),
    ],
)
def test_the_text_of_what_statements_name_goes_along_and_of_what_that_names(
    statement: str, names: str, project: Project
) -> None:
    top = project({**MODULES, "late_main.py": f"def build():\n    {statement}\n"})
    main = import_module("late_main")
    with by_value(iter([main])):
        _, texts = packed_with_texts(main.build, lambda name, file: not file.startswith(str(top)))
    assert sorted(texts) == names.split()
    assert not {"late_a", "late_b", "late_d", "late_n"} & sys.modules.keys()  # nothing was run


def test_code_that_goes_by_name_takes_nothing_along(project: Project) -> None:
    project({**MODULES, "late_main.py": "def build():\n    import late_a\n"})
    assert packed_with_texts(import_module("late_main").build, lambda name, file: False)[1] == {}


def test_text_that_python_warns_of_goes_along_quietly(project: Project) -> None:
    project({"late_odd.py": "import late_more\nx = '\\d' is 5\n", "late_more.py": ""})
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def build():\n    import late_odd\n", space)
    _, texts = packed_with_texts(space["build"], lambda name, file: False)
    assert sorted(texts) == ["late_more", "late_odd"]


@pytest.mark.parametrize("name", ["", ".", "../os", "a" * 300, "a." * 100_000 + "b", "no.such"])
def test_a_name_that_a_builder_made_up_is_no_module(name: str) -> None:
    assert where(name) is None


def test_what_was_sent_is_imported_as_if_it_were_there(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "sent": Text("/nowhere/sent/__init__.py", b"", True),
        "sent.inner": Text("/nowhere/sent/inner.py", b"HERE = __file__, __package__\n", False),
    }
    finder: Any = Unpacked(texts)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    try:
        inner = import_module("sent.inner")
        assert inner.HERE == ("/nowhere/sent/inner.py", "sent")
        assert sys.modules["sent"].__path__ == ["/nowhere/sent"]
        with pytest.raises(ModuleNotFoundError):
            import_module("sent.other")
    finally:
        for name in texts:
            sys.modules.pop(name, None)
    assert not os.path.exists("/nowhere")
