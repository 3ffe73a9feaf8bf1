"""Packages that load names when they are first used: the names, and what type checkers see."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module, resources
from types import ModuleType

import pytest

HOMES = [".", ".pipelines", ".plugins", ".pods", ".sandbox", ".tenants"]
PACKAGES = [import_module(home, "pylightnix") for home in HOMES]
every_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)


def stub_of(package: ModuleType) -> ast.Module:
    return ast.parse((resources.files(package) / "__init__.pyi").read_text(encoding="utf-8"))


def names_of(stub: ast.Module) -> set[str]:
    """What a stub says is there: imported, or defined in it."""
    found: set[str] = set()
    for node in stub.body:
        match node:
            case ast.ImportFrom(names=aliases):
                found |= {alias.asname or alias.name for alias in aliases}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return found - {"__all__"}


def all_of(stub: ast.Module) -> list[str]:
    for node in stub.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return [str(name) for name in ast.literal_eval(value)]
    return []


def test_no_package_with_a_stub_is_left_out() -> None:
    top = resources.files("pylightnix")
    stubbed = [x.name for x in top.iterdir() if x.is_dir() and (x / "__init__.pyi").is_file()]
    assert sorted(stubbed) == [home[1:] for home in HOMES[1:]]


@every_package
def test_every_name_is_there_once_in_order_and_says_what_it_is_for(package: ModuleType) -> None:
    assert dir(package) == list(package.__all__) == sorted(set(package.__all__))
    for name in package.__all__:
        value = getattr(package, name)
        if isinstance(value, type) or inspect.isfunction(value):
            assert inspect.getdoc(value), name


@every_package
def test_nothing_is_loaded_until_a_name_is_used(package: ModuleType) -> None:
    program = f"import sys, {package.__name__}\nprint(*(m for m in sys.modules if 'lightnix' in m))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    own = {package.__name__, "pylightnix", "pylightnix.core", "pylightnix.core.lazy"}
    assert set(done.stdout.split()) == own


@every_package
def test_a_name_is_looked_up_once(package: ModuleType) -> None:
    name = package.__all__[0]
    assert getattr(package, name) is vars(package)[name]


@every_package
def test_a_name_that_is_not_published_is_not_there(package: ModuleType) -> None:
    wanted = f"module '{package.__name__}' has no attribute 'nothing_of_ours'"
    with pytest.raises(AttributeError, match=wanted):
        _ = package.nothing_of_ours


@every_package
def test_type_checkers_and_programs_see_the_same_names(package: ModuleType) -> None:
    stub = stub_of(package)
    assert sorted(all_of(stub)) == list(package.__all__)
    assert names_of(stub) == set(package.__all__)


@every_package
def test_type_checkers_and_programs_see_the_same_things(package: ModuleType) -> None:
    for node in stub_of(package).body:
        if isinstance(node, ast.ImportFrom):
            home = import_module("." * node.level + str(node.module), package.__name__)
            for alias in node.names:
                own = getattr(package, alias.asname or alias.name)
                assert getattr(home, alias.name) is own, alias.name
