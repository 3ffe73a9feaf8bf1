"""Modules of imports in random form: rewritten, they bind what they did."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.tenants import rewrite_imports
from vendored_tree import MODULES, PACKAGES, mkhouse, run_as_it_is, run_with_copies, shown

OTHERS = ("os", "os.path", "json", "sys", "collections.abc")
FROM = {
    "pandas": ("read_csv", "DataFrame", "pandas", "io", "WHO"),
    "pandas.io": ("json", "deep", "WHO"),
    "pandas.io.json": ("WHO", "HIDDEN"),
    "shadow": ("sub", "WHO"),
    "taken": ("run", "WHO"),
    "größe": ("maß", "WHO"),
    "os": ("path", "sep"),
}
NAMES = st.sampled_from(("a", "b", "pd", "pandas", "os", "ä"))
GAPS = st.sampled_from((" ", "  ", "\t", " \\\n ", "\f", "\\\n"))
NO_GAPS = st.sampled_from(("", "", "", " ", "\\\n", "\t"))


@st.composite
def dotted(draw: st.DrawFn, name: str) -> str:
    parts = name.split(".")
    out = parts[0]
    for part in parts[1:]:
        out += f"{draw(NO_GAPS)}.{draw(NO_GAPS)}{part}"
    return out


@st.composite
def renamed(draw: st.DrawFn, text: str) -> str:
    return draw(st.just(text) | NAMES.map(lambda n: f"{text}{draw(GAPS)}as{draw(GAPS)}{n}"))


@st.composite
def imports(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from((*MODULES, *OTHERS)), min_size=1, max_size=4))
    listed = [draw(renamed(draw(dotted(name)))) for name in names]
    return f"import{draw(GAPS)}" + f"{draw(NO_GAPS)},{draw(NO_GAPS)}".join(listed)


@st.composite
def froms(draw: st.DrawFn) -> str:
    module = draw(st.sampled_from(sorted(FROM)))
    head = f"from{draw(GAPS)}{draw(dotted(module))}{draw(GAPS)}import"
    names = draw(st.lists(st.sampled_from(FROM[module]), min_size=1, max_size=3))
    listed = [draw(renamed(name)) for name in names]
    form = draw(st.sampled_from(("plain", "parentheses", "lines")))
    if form == "plain":
        return f"{head}{draw(GAPS)}{', '.join(listed)}"
    between = " ,  # é import pandas\n\n  " if form == "lines" else ","
    return f"{head}{draw(NO_GAPS)}({between.join(listed)}{draw(st.sampled_from(('', ',')))})"


SIMPLE = imports() | froms() | st.sampled_from(("x = 'é'", "pass", "y = 'import pandas'"))


@st.composite
def lines(draw: st.DrawFn) -> str:
    joined = draw(st.sampled_from(("; ", ";", " ;  "))).join(
        draw(st.lists(SIMPLE, min_size=1, max_size=3))
    )
    return joined + draw(st.sampled_from(("", ";", "  # import pandas", "  ")))


@st.composite
def blocks(draw: st.DrawFn) -> str:
    form = draw(
        st.sampled_from(
            (
                "{0}",
                "if 1: {0}",
                "if 0: pass\nelse: {0}",
                "try: {0}\nfinally: {1}",
                "class C:\n\t{0}\n\t{1}\nk = {{n: m for n, m in vars(C).items() if n[0] != '_'}}",
                "def f():\n  {0}\n  if 1:\n  \t{1}\n  return sorted(locals())\nk = f()",
                "for i in 1, 2: {0}",
                "'''\nimport pandas\n'''\n{0}",
            )
        )
    )
    return form.format(draw(lines()), draw(lines()))


SOURCES = st.lists(blocks(), min_size=1, max_size=4).map("\n".join)
ENDS = st.sampled_from(("\n", "\r\n", "\r"))


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return mkhouse(tmp_path_factory.mktemp("house"))


def plain(value: object) -> object:
    """What the variables of a class are."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    return value


def outcome(run: object, source: str, folder: Path) -> object:
    try:
        found = run(source, folder)  # type: ignore[operator]
    except ImportError:
        return "ImportError"
    return {name: plain(value) for name, value in found.items() if name != "C"}


@given(source=SOURCES, end=ENDS)
def test_whatever_form_imports_have_they_bind_what_they_did(
    source: str, end: str, house: tuple[Path, Path]
) -> None:
    source = source.replace("\n", end)
    compile(source, "job.py", "exec")
    done = rewrite_imports(source, PACKAGES)
    assert outcome(run_with_copies, done.source, house[1]) == outcome(
        run_as_it_is, source, house[0]
    )
    assert done.source.count(end) == source.count(end)


@given(source=SOURCES)
def test_bytes_and_text_are_rewritten_alike(source: str) -> None:
    assert rewrite_imports(source.encode(), PACKAGES).source.decode() == (
        rewrite_imports(source, PACKAGES).source
    )


@given(source=SOURCES)
def test_where_no_package_is_meant_nothing_changes(source: str) -> None:
    assert rewrite_imports(source, ["panda", "io", "sub"]).source == source
