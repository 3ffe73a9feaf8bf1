"""Which edits make another derivation, and which do not; and that `why` names what was changed."""

from __future__ import annotations

import json
import linecache
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

import pylightnix
from api.edits import FILES, FOREIGN, HELPERS, OTHER, SAME, STAGE, Edit
from pylightnix import (
    NotADerivation,
    NotTracked,
    Store,
    autostage,
    config_dict,
    instantiate,
    realize,
    why,
)
from pylightnix.core.explain import config_changes

Load: TypeAlias = Callable[[dict[str, str], str], dict[str, Any]]
_numbers = count()


@pytest.fixture
def load(tmp_path: Path, current: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Write a package, import it, and give the config of its stage."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(files: dict[str, str], foreign: str) -> dict[str, Any]:
        package, other = f"package{next(_numbers)}", f"other{next(_numbers)}"
        (tmp_path / f"{other}.py").write_text(foreign)
        for name, text in files.items():
            file = tmp_path / package / name
            file.parent.mkdir(exist_ok=True, parents=True)
            file.write_text(text.format(other=other) if name == "stage.py" else text)
        invalidate_caches()
        stage = import_module(f"{package}.stage").train
        return config_dict(instantiate(stage).derivations[0].config)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def edited(edit: Edit) -> tuple[dict[str, str], str]:
    if edit.file == "other":
        assert edit.old in FOREIGN
        return FILES, FOREIGN.replace(edit.old, edit.new)
    text = FILES[edit.file]
    assert edit.old in text
    return FILES | {edit.file: text.replace(edit.old, edit.new)}, FOREIGN


def test_there_are_enough_edits() -> None:
    assert len(SAME) + len(OTHER) >= 60


@pytest.mark.parametrize("edit", SAME, ids=[edit.what for edit in SAME])
def test_an_edit_that_changes_nothing_builds_nothing(edit: Edit, load: Load) -> None:
    assert config_changes(load(FILES, FOREIGN), load(*edited(edit))) == ()


@pytest.mark.parametrize("edit", OTHER, ids=[edit.what for edit in OTHER])
def test_an_edit_that_changes_something_is_named(edit: Edit, load: Load) -> None:
    changes = config_changes(load(FILES, FOREIGN), load(*edited(edit)))
    paths = [change.path.removeprefix("config.__source__") for change in changes]
    names = sorted(path.strip('."[]') for path in paths)
    assert names == sorted(edit.changes.split())


# --- the same in other processes, and in other versions of Python

PROBE = Path(__file__).with_name("probe_source.py")
# In the place of the library, which needs others that a plain interpreter does not have.
PLAIN = "selfref = ''\n\ndef match_latest(): pass\n\ndef autostage(**_): return lambda f: f\n"


def identity(python: str, folder: Path, **env: str) -> str:
    """The source of `theirs.stage.train` as another interpreter sees it."""
    src = Path(pylightnix.__file__).parents[1]
    done = subprocess.run(
        [python, PROBE, "theirs.stage"],
        cwd=folder,
        env={"PYTHONPATH": f"{src}:{folder}", "PYTHONDONTWRITEBYTECODE": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "foreigners.py").write_text(FOREIGN)
    (folder / "plain.py").write_text(PLAIN)
    (folder / "theirs").mkdir()
    for name, text in FILES.items():
        text = text.format(other="foreigners") if name == "stage.py" else text
        text = text.replace("from pylightnix import", "from plain import")
        (folder / "theirs" / name).write_text(text)
    return folder


@pytest.mark.parametrize("seed", ["0", "1", "12345"])
def test_another_process_and_another_hash_seed_see_the_same(theirs: Path, seed: str) -> None:
    here = identity(sys.executable, theirs)
    assert len(json.loads(here)) > 20
    assert identity(sys.executable, theirs, PYTHONHASHSEED=seed) == here


@pytest.mark.parametrize("flag", ["PYTHONOPTIMIZE", "PYTHONNODEBUGRANGES"])
def test_how_python_was_started_does_not_matter(theirs: Path, flag: str) -> None:
    assert identity(sys.executable, theirs, **{flag: "2"}) == identity(sys.executable, theirs)


def other_python(version: str) -> str | None:
    """A plain interpreter of that version, on PATH or of pyenv."""
    folders = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*"), reverse=True)
    near = [str(folder / "bin" / f"python{version}") for folder in folders]
    for python in [*near, f"python{version}"]:
        done = subprocess.run([shutil.which(python) or "false", "-c", ""], check=False)
        if done.returncode == 0:
            return shutil.which(python)
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_another_version_of_python_sees_the_same(theirs: Path, version: str) -> None:
    python = other_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here (neither on PATH nor below ~/.pyenv)")
    assert identity(python, theirs) == identity(sys.executable, theirs)


# --- moves


def test_a_helper_that_moves_to_another_file_of_the_package_stays_what_it_is(load: Load) -> None:
    moved = {**FILES, "elsewhere.py": "from .helpers import FACTOR\n\n\n" + _cut("scale")}
    moved["helpers.py"] = HELPERS.replace(_cut("scale"), "")
    moved["stage.py"] = STAGE.replace("from .helpers import scale", "from .elsewhere import scale")
    assert load(moved, FOREIGN) == load(FILES, FOREIGN)


def _cut(name: str) -> str:
    found = re.search(rf"^def {name}\(.*?\n\n\n", HELPERS, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


def test_a_file_can_get_another_name(load: Load) -> None:
    renamed = {name.replace("tools", "instruments"): text for name, text in FILES.items()}
    renamed["stage.py"] = STAGE.replace(".tools", ".instruments")
    assert load(renamed, FOREIGN) == load(FILES, FOREIGN)


def test_two_helpers_that_change_their_names_are_seen(load: Load) -> None:
    swapped = HELPERS.replace("def offset", "def SCALE").replace("def scale", "def offset")
    changed = load({**FILES, "helpers.py": swapped.replace("SCALE", "scale")}, FOREIGN)
    assert changed["__source__"] != load(FILES, FOREIGN)["__source__"]


# --- what is typed in, and changes while a program runs


@pytest.fixture
def cell(current: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Run code as a notebook runs a cell, and give the identity of the stage in it."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    exec("from pylightnix import *", vars(module))

    def run(text: str) -> Any:
        name = f"<ipython-input-{next(_numbers)}>"
        # As IPython does: an entry without a time is never checked against the disk.
        lines = text.splitlines(keepends=True)
        linecache.cache[name] = (len(text), None, lines, name)
        exec(compile(text, name, "exec"), vars(module))
        return source(vars(module)["stage"]) if "stage" in vars(module) else None

    return run


def source(stage: Any) -> dict[str, str]:
    """What counts of a stage."""
    found: dict[str, str] = config_dict(instantiate(stage).derivations[0].config)["__source__"]
    return found


CELL = "@autostage\ndef stage(x=1):\n    return helper(x) + Box().value + N\n"
HELPER = "def helper(x):\n    return x\nclass Box:\n    value = 1\nN = 1\n"


def test_a_cell_that_is_run_again_changes_nothing(cell: Callable[[str], Any]) -> None:
    cell(HELPER)
    first = cell(CELL)
    assert sorted(first) == ["Box", "N", "helper", "stage"]
    cell("# again\n" + HELPER)
    assert cell("\n" + CELL) == first


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("return x", "return -x", "helper"),
        ("value = 1", "value = 2", "Box"),
        ("N = 1", "N = 2", "N"),
    ],
)
def test_a_cell_that_is_changed_is_seen_by_the_stage_of_another_cell(
    cell: Callable[[str], Any], old: str, new: str, part: str
) -> None:
    cell(HELPER)
    first = cell(CELL)
    second = cell(HELPER.replace(old, new))
    assert {name for name in first if first[name] != second[name]} == {part}


def test_a_value_that_is_changed_in_place_is_seen(cell: Callable[[str], Any]) -> None:
    cell("P = {'lr': 1, 'sizes': [1, 2]}\n")
    first = cell("@autostage\ndef stage():\n    return P['lr']\n")
    second = cell("P['sizes'].append(3)\n")
    assert second["stage"] == first["stage"]
    assert second["P"] != first["P"]
    assert cell("P['sizes'].pop()\n") == first


def test_several_lambdas_on_a_line_are_told_apart(cell: Callable[[str], Any]) -> None:
    line = "a, b = (lambda x: x + 1), (lambda x: x * 2)\n"
    cell(line)
    first = cell("@autostage\ndef stage():\n    return a(1)\n")
    assert cell(line.replace("* 2", "* 3")) == first
    assert cell(line.replace("+ 1", "+ 2")) != first


def test_what_a_closure_holds_counts(cell: Callable[[str], Any]) -> None:
    text = (
        "def make(n):\n    def inner(x):\n        return x + n\n    return inner\nadd = make({})\n"
    )
    cell(text.format(1))
    first = cell("@autostage\ndef stage():\n    return add(1)\n")
    second = cell(text.format(2))
    assert [name for name in first if first[name] != second[name]] == ["n"]


def test_helpers_may_call_each_other(cell: Callable[[str], Any]) -> None:
    cell(
        "def odd(n):\n    return n and even(n - 1)\ndef even(n):\n    return not n or odd(n - 1)\n"
    )
    assert sorted(cell("@autostage\ndef stage():\n    return odd(3)\n")) == ["even", "odd", "stage"]


def test_a_stage_that_is_not_tracked_says_so_once(cell: Callable[[str], Any]) -> None:
    cell("class Net:\n    def __init__(self):\n        self.weights = [1]\nnet = Net()\n")
    with pytest.warns(NotTracked, match=r"`net` holds a __main__.Net.*sourcedeps"):
        first = cell("@autostage\ndef stage():\n    return net.weights\n")
    assert "Net" in first
    assert cell("net.weights.append(2)\n") == first


def test_code_without_source_counts_by_its_bytecode_and_says_so(current: Store) -> None:
    space: dict[str, Any] = {}
    exec("def typed(x=1):\n    return x", space)
    with pytest.warns(NotTracked, match="source code of typed cannot be found"):
        one = source(autostage(space["typed"]))
    exec("def typed(x=1):\n    return x + 1", space)
    with pytest.warns(NotTracked):
        assert source(autostage(space["typed"])) != one


def test_more_can_be_told_to_count(cell: Callable[[str], Any]) -> None:
    text = "@autostage(sourcedeps=[extra, {}])\ndef stage():\n    return 1\n"
    cell("def extra():\n    return 1\n")
    first = cell(text.format("[1, 2]"))
    assert sorted(first) == ["extra", "sourcedeps[1]", "stage"]
    assert cell(text.format("[1, 3]"))["sourcedeps[1]"] != first["sourcedeps[1]"]
    cell("def extra():\n    return 2\n")
    assert cell(text.format("[1, 2]"))["extra"] != first["extra"]


def test_a_version_stands_for_all_of_it(current: Store) -> None:
    def config(version: str, function: Callable[[], object]) -> object:
        stage = autostage(name="x", version=version)(function)
        return config_dict(instantiate(stage).derivations[0].config)

    one = config("1", lambda: 1)
    assert one == {"name": "x", "__version__": "1"}
    assert config("1", lambda: 2) == one
    assert config("2", lambda: 1) != one


def test_why_names_the_helper_that_was_changed(cell: Callable[[str], Any], current: Store) -> None:
    cell(HELPER + CELL)
    stage = sys.modules["__main__"].stage
    realize(instantiate(stage))
    cell(HELPER.replace("return x", "return 2 * x"))
    told = why(instantiate(stage))
    assert [change.path for change in told.changes] == ["config.__source__.helper"]
    assert "config.__source__.helper" in str(told)


# --- ways of naming things


def test_the_decorator_may_be_named_through_its_module_or_in_part(
    cell: Callable[[str], Any],
) -> None:
    def stage(decorator: str) -> dict[str, str]:
        found: dict[str, str] = cell(f"@{decorator}\ndef stage(x=1):\n    return x\n")
        return found

    cell("import pylightnix, functools\nmine = functools.partial(autostage, nouts=2)\n")
    first = stage("autostage")
    assert stage("pylightnix.autostage(nouts=2)") == first
    assert stage("mine(name='stage')") == first
    assert stage("mine()") == first
    cell("makers = [autostage]\n")
    assert stage("makers[0]")["stage"] != first["stage"]


PACKAGE = {
    "__init__.py": "",
    "helpers.py": "def one():\n    return 1\n",
    "below.py": "N = 1\n",
}
HEAD = (
    "from pylightnix import autostage\nfrom . import helpers\n# {other}\n@autostage\ndef train():\n"
)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("    return getattr(helpers, 'one')()\n", {"helpers", "train"}),
        ("    from . import helpers as h\n    return h.one()\n", {"one", "train"}),
        ("    from .below import N\n    return N\n", {"N", "train"}),
        ("    from . import below\n    return below.N\n", {"N", "train"}),
        ("    from .nowhere import N\n    return N\n", {"train"}),
        ("    from .helpers import nothing\n    return nothing\n", {"train"}),
        ("    import json.decoder\n    return json.decoder\n", {"train"}),
        ("    from ....... import x\n    return x\n", {"train"}),
        ("    return unknown + helpers.unknown + len([])\n", {"train"}),
        ("    return train, helpers.one.__name__\n", {"one", "train"}),
    ],
)
def test_names_lead_through_modules_and_imports(load: Load, body: str, parts: set[str]) -> None:
    assert set(load({**PACKAGE, "stage.py": HEAD + body}, FOREIGN)["__source__"]) == parts


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("(1, 2)", "[1, 2]"),
        ("re.compile('a')", "re.compile('b')"),
        ("re.compile('a')", "re.compile('a', re.I)"),
        ("frozenset([1, 'a'])", "frozenset([1, 'b'])"),
        ("types.SimpleNamespace(a=1)", "types.SimpleNamespace(a=2)"),
        ("Box(1).get", "Box.get"),
        ("10 ** 5000", "10 ** 5000 + 1"),
        ("1.0", "True"),
        ("b'a'", "'a'"),
        ("[Box]", "[int]"),
    ],
)
@pytest.mark.filterwarnings("ignore::pylightnix.NotTracked")
def test_values_that_differ_are_told_apart(
    cell: Callable[[str], Any], value: str, other: str
) -> None:
    cell(
        "import re, types\nclass Box:\n    def __init__(self, n): self.n = n\n    get = __init__\n"
    )
    first = cell(f"V = {value}\n@autostage\ndef stage():\n    return V\n")
    assert cell(f"V = {value}\n") == first
    assert cell(f"V = {other}\n") != first


def test_a_value_may_hold_itself(cell: Callable[[str], Any]) -> None:
    first = cell("V = [1]\nV.append(V)\n@autostage\ndef stage():\n    return V\n")
    assert cell("V = [1]\nV.append(V)\n") == first


def test_a_file_that_cannot_be_parsed_any_more_counts_by_bytecode(
    load: Load, tmp_path: Path
) -> None:
    """It was edited after it was loaded, into something that is no Python."""
    package = {"__init__.py": "", "stage.py": "# {other}\ndef train(x=1):\n    return x\n"}
    with pytest.raises(NotADerivation):
        load(package, FOREIGN)  # a plain function that returns no DRef
    (name,) = [name for name in sys.modules if name.startswith("package") and "." in name]
    module = sys.modules[name]
    Path(str(module.__file__)).write_text("def train(x=1:\n")
    with pytest.warns(NotTracked, match="source code of train cannot be found"):
        assert source(autostage(module.train))
