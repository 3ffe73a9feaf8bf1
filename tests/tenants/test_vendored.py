"""Packages that do not work under another name are found before they are tried."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from pylightnix.tenants import NotVendored, check_vendored
from vendored_tree import mkfiles, only_for_now


def told(folder: Path) -> list[tuple[str, int, int, str]]:
    return [
        (Path(each.path).relative_to(folder).as_posix(), each.line, each.column, each.message)
        for each in check_vendored(folder)
    ]


def test_packages_that_import_relatively_are_fine(tmp_path: Path) -> None:
    files = {"__init__.py": "", "a/__init__.py": "from .b import x\nimport os", "a/b.py": "x = 1"}
    assert told(mkfiles(tmp_path, files)) == []


def test_a_package_that_imports_itself_is_told_of_and_does_fail(tmp_path: Path) -> None:
    files = {
        "user/__init__.py": "",
        "user/lp/__init__.py": "",
        "user/lp/wide/__init__.py": "# é\nx = 'é'; import wide.b\nfrom wide import b\n",
        "user/lp/wide/b.py": "import wide",
    }
    mkfiles(tmp_path, files)
    ((path, line, column, message),) = told(tmp_path / "user" / "lp")
    assert (path, line, column) == ("wide/__init__.py", 2, 10)
    assert message.startswith("wide imports itself by an absolute name (3 times, first here)")
    assert "ImportScope" in message
    with only_for_now(tmp_path), pytest.raises(ModuleNotFoundError, match="wide"):
        import_module("user.lp.wide")


def test_a_neighbour_in_the_folder_is_told_of_and_others_are_not(tmp_path: Path) -> None:
    mkfiles(tmp_path, {"one.py": "import os, two.sub\n", "two/sub.py": "import elsewhere\n"})
    ((path, line, column, message),) = told(tmp_path)
    assert (path, line, column) == ("one.py", 1, 1)
    assert message.startswith("one imports two by an absolute name (once)")


@pytest.mark.parametrize("suffix", [EXTENSION_SUFFIXES[0], ".so", ".pyd"])
def test_native_code_is_told_of(suffix: str, tmp_path: Path) -> None:
    mkfiles(tmp_path, {"fast/__init__.py": "", f"fast/_core{suffix}": "", "fast.libs/x.so": ""})
    ((path, line, column, message),) = told(tmp_path)
    assert (path, line, column) == (f"fast/_core{suffix}", 0, 0)
    assert re.match(r"fast has native code \(1 files\).*another process", message)


def test_what_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    mkfiles(tmp_path, {"old/__init__.py": "print 'old'\n", "old-1.0.dist-info/METADATA": ""})
    ((path, line, column, message),) = told(tmp_path)
    assert (path, line, column) == ("old/__init__.py", 1, 1)
    assert message.startswith("old has ")


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotVendored, match="nowhere is no folder"):
        check_vendored(tmp_path / "nowhere")


def test_nothing_is_imported(tmp_path: Path) -> None:
    mkfiles(tmp_path, {"boom_of_ours/__init__.py": "raise SystemExit\nimport boom_of_ours\n"})
    assert len(told(tmp_path)) == 1
    assert "boom_of_ours" not in sys.modules
