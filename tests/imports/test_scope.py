"""Pieces of code have modules of their own, in one process and with nothing global changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from shutil import copy, which

import pytest

from pylightnix.tenants import ImportScope, NativeModule
from vendored_tree import mkfiles

SUFFIX = EXTENSION_SUFFIXES[0]


@pytest.fixture(autouse=True)
def nothing_global_changes() -> Iterator[None]:
    """What a test of this file may never do; modules of the standard library may be loaded."""
    path, modules = list(sys.path), dict(sys.modules)
    hooks = list(sys.meta_path), list(sys.path_hooks)
    yield
    assert sys.path == path
    assert (sys.meta_path, sys.path_hooks) == hooks
    fresh = {name.partition(".")[0] for name in set(sys.modules) - set(modules)}
    assert fresh <= set(sys.stdlib_module_names)
    assert all(sys.modules.get(name) is module for name, module in modules.items())


def scope_of(folder: Path, files: dict[str, str]) -> ImportScope:
    return ImportScope([mkfiles(folder, files)])


def test_two_folders_may_each_have_a_step_and_code_that_it_shares(tmp_path: Path) -> None:
    scopes = [
        scope_of(
            tmp_path / who,
            {
                "mystep.py": "import sharedcode\ndef run(): return sharedcode.WHO\n",
                "sharedcode.py": f"WHO = {who!r}\n",
            },
        )
        for who in ("one", "two")
    ]
    steps = [scope.import_module("mystep") for scope in scopes]
    assert [step.run() for step in steps] == ["one", "two"]
    assert scopes[0].import_module("mystep") is steps[0]
    assert [step.__file__ for step in steps] == [
        str(tmp_path / who / "mystep.py") for who in ("one", "two")
    ]


def test_imports_that_run_later_go_to_the_same_place(tmp_path: Path) -> None:
    scope = scope_of(
        tmp_path, {"a.py": "def late():\n    import b\n    return b.x\n", "b.py": "x = 7"}
    )
    assert scope.import_module("a").late() == 7


PACKAGE = {
    "pkg/__init__.py": "from .inner import x\nfrom . import side\ntop = 'pkg'\n",
    "pkg/inner.py": "from .deep.core import x\n",
    "pkg/side.py": "from pkg.deep import core as c\nimport pkg.deep.core as d\nassert_ = c is d\n",
    "pkg/deep/__init__.py": "",
    "pkg/deep/core.py": "from ..names import x\n",
    "pkg/names.py": "x = 'x'\n",
}


@pytest.mark.parametrize(
    ("statement", "expression", "value"),
    [
        ("import pkg", "pkg.top, pkg.x", ("pkg", "x")),
        ("import pkg.deep.core", "pkg.top, pkg.deep.core.x", ("pkg", "x")),
        ("import pkg.deep.core as c", "c.x, c.__name__", ("x", "pkg.deep.core")),
        ("from pkg import side", "side.assert_", True),
        ("from pkg.deep import core", "core.__package__", "pkg.deep"),
        ("from pkg import *", "top", "pkg"),
        ("import pkg", "pkg.__package__, pkg.__spec__.name", ("pkg", "pkg")),
        ("import os, pkg", "os.sep + pkg.x", "/x"),
        ("__import__('pkg.names')", "__import__('pkg.names').top", "pkg"),
        ("exec('import pkg')", "pkg.x", "x"),
    ],
)
def test_packages_are_imported_in_all_forms(
    statement: str, expression: str, value: object, tmp_path: Path
) -> None:
    scope = scope_of(tmp_path, {**PACKAGE, "a.py": f"{statement}\nout = {expression}\n"})
    assert scope.import_module("a").out == value


def test_a_star_imports_the_submodules_that_a_package_lists(tmp_path: Path) -> None:
    files = {"p/__init__.py": "__all__ = ['s']", "p/s.py": "x = 1", "a.py": "from p import *"}
    assert scope_of(tmp_path, files).import_module("a").s.x == 1


def test_what_a_package_puts_in_the_place_of_a_submodule_stays(tmp_path: Path) -> None:
    files = {
        "p/__init__.py": "from .run import run",
        "p/run.py": "def run(): return 3",
        "a.py": "import p.run\nfrom p import run\nout = p.run is run, run()",
    }
    assert scope_of(tmp_path, files).import_module("a").out == (True, 3)


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "import b\nx = 1\ny = b.get()", "b.py": "import a\ndef get(): return a.x"},
        {
            "a.py": "from p import m\ny = m.y()",
            "p/__init__.py": "from . import m",
            "p/m.py": "from . import n\ndef y(): return n.z()",
            "p/n.py": "from . import m\nimport p.m as q\ndef z(): return int(m is q)",
        },
    ],
)
def test_modules_may_import_each_other(files: dict[str, str], tmp_path: Path) -> None:
    assert scope_of(tmp_path, files).import_module("a").y == 1


def test_a_circle_that_needs_what_is_not_there_yet_is_an_error(tmp_path: Path) -> None:
    scope = scope_of(tmp_path, {"a.py": "from b import x", "b.py": "from a import y\nx = 1"})
    with pytest.raises(ImportError, match="cannot import name 'y'"):
        scope.import_module("a")
    assert scope.modules == {}


def test_relative_imports_beyond_the_top_are_errors(tmp_path: Path) -> None:
    scope = scope_of(
        tmp_path, {"a.py": "from . import b", "p/__init__.py": "from .. import b", "b.py": ""}
    )
    with pytest.raises(ImportError, match="no known parent package"):
        scope.import_module("a")
    with pytest.raises(ImportError, match="beyond top-level package"):
        scope.import_module("p")


def test_what_is_missing_is_said_as_python_says_it(tmp_path: Path) -> None:
    scope = scope_of(
        tmp_path, {"a.py": "import no_such_module_here", "m.py": "", "p/__init__.py": ""}
    )
    for name, missing, text in (
        ("a", "no_such_module_here", "No module named 'no_such_module_here'"),
        ("gone", "gone", "No module named 'gone'"),
        ("m.x", "m.x", "No module named 'm.x'; 'm' is not a package"),
        ("p.x", "p.x", "No module named 'p.x'"),
    ):
        with pytest.raises(ModuleNotFoundError) as caught:
            scope.import_module(name)
        assert (caught.value.name, str(caught.value)) == (missing, text)


def test_a_missing_module_inside_a_submodule_is_not_taken_for_a_missing_submodule(
    tmp_path: Path,
) -> None:
    files = {"p/__init__.py": "", "p/s.py": "import no_such_one", "a.py": "from p import s"}
    with pytest.raises(ModuleNotFoundError, match="no_such_one"):
        scope_of(tmp_path, files).import_module("a")
    with pytest.raises(ImportError, match="cannot import name 'nope'"):
        scope_of(tmp_path, {"b.py": "from p import nope"}).import_module("b")


def test_a_module_that_raises_is_run_again_next_time(tmp_path: Path) -> None:
    scope = scope_of(
        tmp_path, {"p/__init__.py": "", "p/a.py": "from . import b\n1 / 0", "p/b.py": ""}
    )
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            scope.import_module("p.a")
        assert not hasattr(scope.modules["p"], "a")
    (tmp_path / "p" / "a.py").write_text("x = 1")
    assert scope.import_module("p.a").x == 1


def test_the_scope_comes_first_and_what_is_installed_behind(tmp_path: Path) -> None:
    scope = scope_of(
        tmp_path, {"json.py": "mine = 1", "a.py": "import json, os, sys\n", "sys.py": ""}
    )
    found = scope.import_module("a")
    assert found.json.mine == 1
    assert found.os.path.sep == "/"
    assert found.sys is sys  # a builtin module comes before all folders, as in Python
    assert sys.modules["json"] is json


def test_folders_are_looked_in_in_order(tmp_path: Path) -> None:
    for who in ("one", "two"):
        mkfiles(
            tmp_path / who, {"a.py": f"x = {who!r}", f"{who}.py": "x = 1", f"ns/{who}.py": "x = 2"}
        )
    scope = ImportScope([tmp_path / "two", str(tmp_path / "one")])
    assert scope.import_module("a").x == "two"
    assert scope.import_module("one").x == 1
    # Folders without `__init__.py` are one package together.
    assert scope.import_module("ns.one").x == scope.import_module("ns.two").x == 2


def test_a_folder_of_data_hides_nothing(tmp_path: Path) -> None:
    files = {
        "json/data.txt": "",
        "data/x.csv": "",
        "xml/mine.py": "",
        "a.py": "import json, xml.dom",
    }
    scope = scope_of(tmp_path, files)
    found = scope.import_module("a")
    assert found.json is json
    assert found.xml.dom is sys.modules["xml.dom"]
    assert not scope.has("data")
    assert not scope.has("__main__")


def test_one_folder_may_be_given_alone_and_modules_may_come_later(tmp_path: Path) -> None:
    scope = ImportScope(str(tmp_path))
    assert not scope.has("later")
    (tmp_path / "later.py").write_text("x = 1")
    assert scope.has("later.anything")
    assert scope.import_module("later").x == 1
    assert ImportScope(tmp_path / "nowhere").has("later") is False


def test_the_future_of_this_library_is_not_that_of_the_code(tmp_path: Path) -> None:
    scope = scope_of(tmp_path, {"a.py": "def f(x: int): pass\nout = f.__annotations__"})
    assert scope.import_module("a").out == {"x": int}


def test_a_file_runs_as_a_program(tmp_path: Path) -> None:
    files = {
        "lib/helper.py": "x = 5",
        "job.py": "import helper\nif __name__ == '__main__': y = helper.x",
    }
    mkfiles(tmp_path, files)
    scope = ImportScope([tmp_path / "lib"])
    space = scope.run_path(tmp_path / "job.py")
    assert (space["y"], space["__file__"]) == (5, str(tmp_path / "job.py"))
    assert space["__spec__"].name == "__main__"
    assert "y" not in scope.run_path(tmp_path / "job.py", run_name="job")
    with pytest.raises(ModuleNotFoundError, match="job"):
        scope.import_module("job")


def test_a_program_may_exit_and_its_functions_live_on(tmp_path: Path) -> None:
    mkfiles(
        tmp_path,
        {
            "stop.py": "raise SystemExit(3)",
            "f.py": "n = 1\ndef f():\n  import m\n  return m.x + n",
            "m.py": "x = 1",
        },
    )
    scope = ImportScope(tmp_path)
    with pytest.raises(SystemExit, match="3"):
        scope.run_path(tmp_path / "stop.py")
    assert scope.run_path(tmp_path / "f.py")["f"]() == 2
    with pytest.raises(FileNotFoundError):
        scope.run_path(tmp_path / "gone.py")


def test_threads_may_import_at_once(tmp_path: Path) -> None:
    files = {f"m{i}.py": f"import m{(i + 1) % 6}, slow\nx = {i}" for i in range(6)}
    files["slow.py"] = "import time\ntime.sleep(0.05)\nruns = []\nruns.append(1)\ndone = True"
    scope = scope_of(tmp_path, files)
    gate = threading.Barrier(6)

    def load(number: int) -> tuple[int, bool]:
        gate.wait()
        return scope.import_module(f"m{number}").x, scope.import_module("slow").done

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(load, number) for number in range(6)]
        assert [future.result(30) for future in futures] == [(i, True) for i in range(6)]
    assert scope.modules["slow"].runs == [1]


def test_a_thread_waits_for_a_module_that_another_one_loads(tmp_path: Path) -> None:
    scope = scope_of(tmp_path, {"slow.py": "import time\ntime.sleep(0.2)\nx = 1"})
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(lambda: scope.import_module("slow").x) for _ in range(2))
        assert (first.result(30), second.result(30)) == (1, 1)


def test_a_module_may_wait_for_a_thread_that_imports_another_one(tmp_path: Path) -> None:
    files = {
        "a.py": "import threading\ndef g():\n  import b\nt = threading.Thread(target=g)\n"
        "t.daemon = True; t.start(); t.join(10)\nalive = t.is_alive()",
        "b.py": "x = 1",
    }
    assert scope_of(tmp_path, files).import_module("a").alive is False


def test_scopes_know_what_uses_what_and_whether_it_changed(tmp_path: Path) -> None:
    files = {
        "a.py": "import p.s",
        "p/__init__.py": "from . import t",
        "p/s.py": "import json",
        "p/t.py": "",
        "other.py": "",
    }
    scope = scope_of(tmp_path, files)
    for name in ("a", "other"):
        scope.import_module(name)
    assert scope.files("a") == {
        name: str(tmp_path / path)
        for name, path in (
            ("a", "a.py"),
            ("p", "p/__init__.py"),
            ("p.s", "p/s.py"),
            ("p.t", "p/t.py"),
        )
    }
    assert scope.fresh()
    (tmp_path / "p" / "t.py").write_text("x = 1")
    assert not scope.fresh()
    (tmp_path / "p" / "t.py").unlink()
    assert not scope.fresh()


def test_native_code_that_is_none_says_to_use_a_pod(tmp_path: Path) -> None:
    files = {
        f"fast{SUFFIX}": "not a library",
        "a.py": "import fast",
        "b.py": "try: import fast\nexcept ImportError: fast = None",
    }
    scope = scope_of(tmp_path, files)
    for name in ("fast", "a"):
        with pytest.raises(NativeModule, match="use a pod") as caught:
            scope.import_module(name)
        assert (caught.value.module, caught.value.file) == ("fast", str(tmp_path / f"fast{SUFFIX}"))
    assert scope.import_module("b").fast is None


def test_a_package_that_hides_why_its_native_code_failed_says_it_still(tmp_path: Path) -> None:
    files = {
        "big/__init__.py": "from . import core",
        "big/core/__init__.py": "try:\n    from . import fast\nexcept ImportError as e:\n"
        "    raise ImportError('PLEASE READ THIS') from e",
        f"big/core/fast{SUFFIX}": "not a library",
        "a.py": "import big",
    }
    with pytest.raises(NativeModule, match=r"the module big\.core\.fast .*use a pod"):
        scope_of(tmp_path, files).import_module("a")


def test_what_refuses_to_load_twice_says_to_use_a_pod(tmp_path: Path) -> None:
    text = "cannot load module more than once per process"
    scope = scope_of(
        tmp_path, {"num.py": f"raise ImportError({text!r})", "plain.py": "raise ImportError('x')"}
    )
    with pytest.raises(NativeModule, match=f"{text}.*use a pod"):
        scope.import_module("num")
    with pytest.raises(ImportError, match=r"^x$"):
        scope.import_module("plain")


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str, str], Path]:
    """Give what compiles a library, or skip."""
    include = Path(sysconfig.get_paths()["include"])
    compiler = which("cc")
    if compiler is None or not (include / "Python.h").is_file():
        pytest.skip("needs a C compiler and Python.h (apt install gcc python3-dev)")

    def built(source: str, name: str) -> Path:
        (tmp_path / "source.c").write_text(source)
        library = tmp_path / f"{name}{SUFFIX}"
        command = [compiler, "-shared", "-fPIC", f"-I{include}", "-o", str(library), "source.c"]
        subprocess.run(command, cwd=tmp_path, check=True)
        return library

    return built


ONCE = """
#include <Python.h>
static int loaded = 0;
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "once", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_once(void) {
    if (loaded++) {
        PyErr_SetString(PyExc_ImportError, "once: I am here already");
        return NULL;
    }
    return PyModule_Create(&def);
}
"""


def test_a_real_library_that_loads_once_does_so_and_then_refuses(
    tmp_path: Path, build: Callable[[str, str], Path]
) -> None:
    library = build(ONCE, "once")
    for who in ("one", "two"):
        mkfiles(tmp_path / who, {"a.py": "import once"})
        (tmp_path / who / library.name).symlink_to(library)
    first = ImportScope(tmp_path / "one").import_module("a").once
    assert first.__file__ == str(tmp_path / "one" / library.name)
    assert "once" not in sys.modules
    with pytest.raises(NativeModule, match=r"I am here already.*use a pod"):
        ImportScope(tmp_path / "two").import_module("a")


def test_native_code_that_gets_what_is_installed_instead_says_to_use_a_pod(
    tmp_path: Path, build: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This call asks nobody's `__import__`."""
    call = 'PyImport_ImportModuleLevel("stringprep", NULL, NULL, NULL, 0)'
    build(IMPORTS.replace('PyImport_ImportModule("%s")', call), "native")
    (tmp_path / "stringprep.py").write_text("")
    monkeypatch.delitem(sys.modules, "stringprep", raising=False)
    with pytest.raises(NativeModule, match=r"does not get stringprep from the scope.*use a pod"):
        ImportScope(tmp_path).import_module("native")


def test_native_code_that_does_not_mind_loads_in_several_scopes(tmp_path: Path) -> None:
    library = next(Path(sysconfig.get_paths()["stdlib"]).glob(f"lib-dynload/_bisect{SUFFIX}"), None)
    if library is None:
        pytest.skip("this Python has no _bisect of its own as a library")
    found = []
    for who in ("one", "two"):
        mkfiles(tmp_path / who, {"a.py": "from _bisect import bisect_left"})
        copy(library, tmp_path / who)
        found.append(ImportScope(tmp_path / who).import_module("a").bisect_left([1, 2], 2))
    assert found == [1, 1]


def test_a_dataclass_that_needs_sys_modules_says_what_to_do(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass A:\n    x: int\n"
    )
    scope = scope_of(tmp_path, {"a.py": text, "b.py": text.partition("\n")[2]})
    assert scope.import_module("b").A(1).x == 1
    try:
        scope.import_module("a")
    except AttributeError as error:
        assert "use a pod" in error.__notes__[0]
    else:
        pytest.skip("dataclasses of this Python do not ask sys.modules")


def test_a_module_that_is_looked_up_by_its_name_is_not_found_and_that_is_explained(
    tmp_path: Path,
) -> None:
    files = {
        "a.py": "import b",
        "b.py": "from importlib import import_module\nimport_module('here_only')",
        "here_only.py": "",
    }
    with pytest.raises(ModuleNotFoundError, match="here_only") as caught:
        scope_of(tmp_path, files).import_module("a")
    (note,) = caught.value.__notes__
    assert note.startswith(f"{tmp_path}/b.py looked here_only up by its name")


IMPORTS = """
#include <Python.h>
static int run(PyObject *module) {
    PyObject *found = PyImport_ImportModule("%s");
    return found == NULL ? -1 : PyModule_AddObject(module, "found", found);
}
static PyModuleDef_Slot slots[] = {{Py_mod_exec, run}, {0, NULL}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "native", NULL, 0, NULL, slots};
PyMODINIT_FUNC PyInit_native(void) { return PyModuleDef_Init(&def); }
"""


def test_native_code_that_imports_what_is_installed_loads(
    tmp_path: Path, build: Callable[[str, str], Path]
) -> None:
    build(IMPORTS.replace("%s", "colorsys"), "native")
    assert ImportScope(tmp_path).import_module("native").found is sys.modules["colorsys"]


def test_native_code_that_imports_from_the_scope_says_to_use_a_pod(
    tmp_path: Path, build: Callable[[str, str], Path]
) -> None:
    build(IMPORTS.replace("%s", "beside"), "native")
    (tmp_path / "beside.py").write_text("")
    with pytest.raises(NativeModule, match=r"would not get beside from the scope.*use a pod"):
        ImportScope(tmp_path).import_module("native")


def test_two_scopes_take_half_a_millisecond(tmp_path: Path) -> None:
    files = {"mystep.py": "import sharedcode", "sharedcode.py": "x = 1"}
    folders = [mkfiles(tmp_path / who, files) for who in ("one", "two")]
    best_s = 1.0
    for _ in range(20):
        start_s = time.perf_counter()
        for folder in folders:
            ImportScope([folder]).import_module("mystep")
        best_s = min(best_s, time.perf_counter() - start_s)
    assert best_s < 0.005  # ten times, for machines that are slow or busy


def test_folders_that_nobody_touched_lately_are_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkfiles(tmp_path, {"a.py": "x = 1"})
    os.utime(tmp_path, (1, 1))
    scope = ImportScope(tmp_path)
    assert not scope.has("b")
    monkeypatch.setattr(os, "listdir", None)
    assert scope.has("a")
    assert not scope.has("c")


def test_a_package_of_native_code_and_modules_without_a_spec(tmp_path: Path) -> None:
    files = {f"p/__init__{SUFFIX}": "not a library", "__main__/x.py": ""}
    scope = scope_of(tmp_path, files)
    with pytest.raises(NativeModule, match=r"the module p .*__init__"):
        scope.import_module("p")
    assert not scope.has("__main__")


def test_a_folder_that_cannot_be_read_has_no_modules(tmp_path: Path, nonroot: None) -> None:
    scope = scope_of(tmp_path, {"closed/a.py": ""})
    (tmp_path / "closed").chmod(0)
    try:
        assert not scope.has("closed")
    finally:
        (tmp_path / "closed").chmod(0o755)
