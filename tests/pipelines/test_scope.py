"""Modules that are private to a folder."""

from __future__ import annotations

import os
import sys

import pytest

from pipelines.conftest import Write
from pylightnix.pipelines import ImportScope, NativeModule


def test_every_form_of_import_finds_the_neighbours(write: Write) -> None:
    root = write(
        {
            "top.py": """
                import helper
                import pack.sub
                import pack.sub as alias
                from helper import NAME
                from pack import sub, other
                from pack.sub import VALUE
                import os.path, json

                seen = [helper.NAME, pack.sub.VALUE, alias.VALUE, NAME, sub.VALUE, VALUE]
                seen.append(other.UP)
            """,
            "helper.py": "NAME = 'helper'",
            "pack/__init__.py": "",
            "pack/sub.py": "VALUE = 'sub'",
            "pack/other.py": "from . import sub\nfrom .sub import VALUE\nUP = sub.VALUE + VALUE",
            "space/inner.py": "X = 1",
        }
    )
    scope = ImportScope([str(root)])
    before, path = set(sys.modules), list(sys.path)
    top = scope.import_module("top")
    assert top.seen == ["helper", "sub", "sub", "helper", "sub", "sub", "subsub"]
    assert scope.import_module("space.inner").X == 1
    assert not {"top", "helper", "pack", "pack.sub", "space"} & (set(sys.modules) - before)
    assert sys.path == path
    assert set(scope.files("top")) == {"top", "helper", "pack", "pack.sub", "pack.other"}


def test_modules_may_import_each_other(write: Write) -> None:
    root = write({"a.py": "import b\nX = 1", "b.py": "import a\n\ndef get():\n    return a.X"})
    assert ImportScope([str(root)]).import_module("b").get() == 1


def test_a_module_is_loaded_once_and_again_when_it_failed(write: Write) -> None:
    root = write({"a.py": "raise ValueError('not yet')"})
    scope = ImportScope([str(root)])
    with pytest.raises(ValueError, match="not yet"):
        scope.import_module("a")
    (root / "a.py").write_text("items = []")
    assert scope.import_module("a") is scope.import_module("a")


def test_what_is_not_there_is_missing_by_its_name(write: Write) -> None:
    root = write({"a.py": "import nowhere_at_all", "pack/__init__.py": "", "data/x.txt": ""})
    scope = ImportScope([str(root)])
    for name, missing in (("b", "b"), ("pack.c", "pack.c"), ("a", "nowhere_at_all")):
        with pytest.raises(ModuleNotFoundError) as caught:
            scope.import_module(name)
        assert caught.value.name == missing
    assert not scope.has("data")


def test_an_import_beyond_the_top_is_refused(write: Write) -> None:
    root = write({"a.py": "from .. import b"})
    with pytest.raises(ImportError, match="no known parent package"):
        ImportScope([str(root)]).import_module("a")


def test_an_edit_makes_a_scope_stale(write: Write) -> None:
    root = write({"a.py": "X = 1"})
    scope = ImportScope([str(root)])
    scope.import_module("a")
    assert scope.fresh()
    (root / "a.py").write_text("X = 22")
    assert not scope.fresh()
    os.unlink(root / "a.py")
    assert not scope.fresh()


def test_the_first_folder_wins(write: Write) -> None:
    root = write({"one/a.py": "X = 1", "two/a.py": "X = 2", "two/b.py": "X = 3"})
    scope = ImportScope([str(root / "one"), str(root / "two")])
    assert (scope.import_module("a").X, scope.import_module("b").X) == (1, 3)


def test_native_code_that_refuses_to_load_twice_points_to_pods(write: Write) -> None:
    text = "raise ImportError('cannot load module more than once per process')"
    root = write({"numpyish/__init__.py": text})
    with pytest.raises(NativeModule, match="use a pod"):
        ImportScope([str(root)]).import_module("numpyish")


def test_a_native_library_that_is_none_points_to_pods(write: Write) -> None:
    from importlib.machinery import EXTENSION_SUFFIXES

    root = write({f"fast{EXTENSION_SUFFIXES[0]}": "no library"})
    with pytest.raises(NativeModule, match="use a pod"):
        ImportScope([str(root)]).import_module("fast")
