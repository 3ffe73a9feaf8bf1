"""Sources are run with packages under their own names, and rewritten with copies of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pylightnix.tenants import CannotRewrite, Change, InvalidRewrite, Rewritten, rewrite_imports
from tenants.cases import DYNAMIC, MORE, STATIC
from vendored_tree import PACKAGES, mkhouse, run_as_it_is, run_with_copies

ALL = STATIC | MORE
STAY = "a text|nothing|a comment|relative.*|prefix of.*|a docstring|bytes|raw|in a text"


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return mkhouse(tmp_path_factory.mktemp("house"))


def undone(done: Rewritten[str]) -> str:
    """Put the old statements back."""
    text = done.source
    starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", text))]
    shift: dict[int, int] = {}
    spans = []
    for change in done.changes:
        start = starts[change.line - 1] + change.column - 1 + shift.get(change.line, 0)
        assert text[start : start + len(change.new)] == change.new
        spans.append((start, change))
        lines = re.split(r"\r\n|\r|\n", change.old)
        last = change.line + len(lines) - 1
        tail = len(re.split(r"\r\n|\r|\n", change.new)[-1]) - len(lines[-1])
        shift[last] = (shift.get(last, 0) if len(lines) == 1 else 0) + tail
    for start, change in reversed(spans):
        text = text[:start] + change.old + text[start + len(change.new) :]
    return text


def test_there_are_the_cases_of_the_blog_and_forty_more() -> None:
    assert len(STATIC) == 19
    assert len(DYNAMIC) == 2
    assert len(MORE) >= 40


@pytest.mark.parametrize("name", ALL)
def test_every_name_is_bound_to_what_it_was(name: str, house: tuple[Path, Path]) -> None:
    plain, user = house
    done = rewrite_imports(ALL[name], PACKAGES)
    assert run_with_copies(done.source, user) == run_as_it_is(ALL[name], plain)
    assert bool(done.changes) is not bool(re.fullmatch(STAY, name))
    assert done.diagnostics == ()


@pytest.mark.parametrize("name", ALL)
def test_only_the_statements_that_are_told_of_change(name: str) -> None:
    done = rewrite_imports(ALL[name], PACKAGES)
    assert undone(done) == ALL[name]
    for change in done.changes:
        ends = re.compile(r"\r\n|\r|\n")
        assert ends.findall(change.new) == ends.findall(change.old)


@pytest.mark.parametrize("name", DYNAMIC)
def test_what_is_imported_by_running_code_stays_and_is_reported(name: str) -> None:
    done = rewrite_imports(DYNAMIC[name], PACKAGES)
    assert (done.source, done.changes) == (DYNAMIC[name], ())
    (found,) = done.diagnostics
    assert (found.line, found.column) == (DYNAMIC[name].count("\n") + 1, 5)
    assert "pandas" in found.message


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "crlf"])
def test_bytes_give_the_same_in_bytes(name: str, form: str, house: tuple[Path, Path]) -> None:
    text = ALL[name]
    if form == "crlf":
        text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    encoding = "utf-8-sig" if form == "utf-8-sig" else "utf-8"
    done = rewrite_imports(text.encode(encoding), PACKAGES)
    assert done.source == rewrite_imports(text, PACKAGES).source.encode(encoding)
    assert run_with_copies(done.source, house[1]) == run_as_it_is(text.encode(encoding), house[0])


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "iso8859-15", "koi8-r", "gbk", "shift_jis"]
)
def test_an_encoding_that_is_named_is_kept(encoding: str, house: tuple[Path, Path]) -> None:
    letters = {"koi8-r": "Ж", "gbk": "中", "shift_jis": "日"}.get(encoding, "é")
    head = f"#!/usr/bin/python\n# -*- coding: {encoding} -*-\n"
    text = f"{head}x = '{letters}'; import pandas.io # {letters}\n"
    source = text.encode(encoding)
    done = rewrite_imports(source, PACKAGES)
    assert done.source.decode(encoding) == rewrite_imports(text, PACKAGES).source
    assert done.changes[0].column == 10
    assert run_with_copies(done.source, house[1]) == run_as_it_is(source, house[0])


def test_the_blogs_own_example() -> None:
    done = rewrite_imports("import yfinance\nfrom pandas import read_csv\n", ["yfinance", "pandas"])
    assert done.source == (
        "from .localpackages import yfinance\nfrom .localpackages.pandas import read_csv\n"
    )
    assert done.changes == (
        Change(1, 1, "import yfinance", "from .localpackages import yfinance"),
        Change(2, 1, "from pandas import read_csv", "from .localpackages.pandas import read_csv"),
    )


@pytest.mark.parametrize(
    ("into", "whole", "inner"), [(".", ".", ".a"), ("..", "..", "..a"), ("v.w", "v.w", "v.w.a")]
)
def test_copies_may_be_anywhere(into: str, whole: str, inner: str) -> None:
    done = rewrite_imports("import a; import a.b; from a import x", ["a"], into)
    assert done.source == (
        f"from {whole} import a; "
        f"from {inner}.b import __doc__ as a; from {whole} import a; "
        f"from {inner} import x"
    )


def test_comments_within_a_statement_stay() -> None:
    old = "from a.b import (  # one\n    x,  # two\n\n    # three\n    y as z,\n)  # four\n"
    assert rewrite_imports(old, ["a"]).source == old.replace("a.b", ".localpackages.a.b")


def test_rewriting_twice_changes_nothing_more() -> None:
    once = rewrite_imports("import a.b, os\nfrom a import b\n", ["a"])
    assert rewrite_imports(once.source, ["a"]) == Rewritten(once.source, (), ())


def test_packages_may_be_one_text_or_an_iterator() -> None:
    assert rewrite_imports("import abc", "abc").changes
    assert len(rewrite_imports("import a, b", iter(["a", "b"])).changes) == 1
    assert rewrite_imports("import a", ()).changes == ()


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("import a\nprint 'x'", 2, 1),
        ("x = (", 1, 5),
        ("x = '\ud800'", 0, 0),
        ("x = 1\x00", 0, 0),
        (b"# coding: nothing-known\n", 0, 0),
        (b"x = '\xff'", 0, 0),
        (b"\xef\xbb\xbf# coding: latin-1\n", 0, 0),
        ("(" * 5000, -1, -1),
    ],
)
def test_what_is_no_python_is_an_error_that_says_where(
    source: str | bytes, line: int, column: int
) -> None:
    with pytest.raises(CannotRewrite, match="nothing was changed") as caught:
        rewrite_imports(source, ["a"])  # type: ignore[type-var]
    if line > 0:
        assert (caught.value.line, caught.value.column) == (line, column)
        assert f"line {line}, column {column}" in str(caught.value)


def test_an_encoding_that_does_not_come_back_the_same_is_refused() -> None:
    with pytest.raises(CannotRewrite, match="several ways"):
        rewrite_imports(b"# coding: utf-7\nx = '+AGE-'\nimport a\n", ["a"])


def test_an_encoding_is_looked_for_in_lines_as_python_has_them() -> None:
    source = b"x = 1\r# nothing\r# coding: latin-1\rimport a # \xc3\xa9\r"
    assert rewrite_imports(source, ["a"]).source == source.replace(
        b"import a", b"from .localpackages import a"
    )


def test_a_warning_about_the_code_is_no_mistake() -> None:
    assert rewrite_imports("x = '\\d'; import a", ["a"]).changes


@pytest.mark.parametrize("packages", [["a.b"], ["scikit-learn"], [""], ["import"], ["__future__"]])
def test_packages_that_are_no_names_are_refused(packages: list[str]) -> None:
    with pytest.raises(InvalidRewrite, match="without dots") as caught:
        rewrite_imports("", [*packages, "fine"])
    assert len(caught.value.issues) == 1


@pytest.mark.parametrize("into", ["", "a b", ".a.", "a..b", "..if", "/x"])
def test_a_place_that_is_no_package_is_refused(into: str) -> None:
    with pytest.raises(InvalidRewrite, match="imported from"):
        rewrite_imports("", ["a"], into)
