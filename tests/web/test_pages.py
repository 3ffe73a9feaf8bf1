"""Values as HTML: what is on the pages, and that nothing written by users can break out of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import (
    Build,
    DRef,
    RRef,
    Store,
    build_outpath,
    build_run,
    build_wrapper,
    html_of,
    instantiate,
    match_latest,
    mkconfig,
    mkdrv,
    mknode,
    plan,
    realize,
    realizeU,
    repl_build,
    repl_cancel,
    repl_realize,
    selfref,
    use_store,
)
from pylightnix.core.value import changed
from pylightnix.web.files import as_text
from pylightnix.web.graph import MOST, graph
from pylightnix.web.markup import Html, joined, size, tag
from web.looking import has_colour, inked, rows_of, screenshot

EVIL = '<script>alert("1")</script>&<img src=x onerror="y">'
VOID = ("br", "img", "path", "rect")
RED = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60">'
    '<rect width="60" height="60" fill="#ff0123"/></svg>'
)


class Reader(HTMLParser):
    """Reads a page, and fails where it is not well formed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.text = ""
        self.feed(page)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.stack.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] != "style":
            self.text += data


def shown(value: object) -> Reader:
    page = html_of(value)
    assert page is not None
    assert value._repr_html_() == page  # type: ignore[attr-defined]
    read = Reader(page)
    assert "script" not in read.tags
    assert not [name for name in read.attributes if name.startswith("on")]
    return read


def draw(b: Build) -> None:
    out = build_outpath(b)
    (out / "plot.svg").write_text(RED)
    (out / "score.txt").write_text(f"0.97\n{EVIL}\n")
    (out / "weights.bin").write_bytes(bytes(range(256)) * 9)
    (out / "more").mkdir()
    (out / "more" / "deep.txt").write_text("deep")
    (out / "way").symlink_to("/etc/passwd")


def data() -> DRef:
    return mknode({"name": "data", "rows": 1_000}, {"table.csv": b"a,b\n1,2\n"}, name="data")


def model() -> DRef:
    fields = {
        "name": "model",
        "data": [data(), "table.csv"],
        "plot": [selfref, "plot.svg"],
        "lr": 0.1,
        "layers": [64, 64, None, True],
        "nested": {"title": EVIL, "empty": {}, "none": []},
        "long": "x" * 1000,
    }
    return mkdrv(mkconfig(fields), match_latest(), build_wrapper(draw))


def report() -> DRef:
    return mkdrv(
        mkconfig({"name": "report", "of": [model(), data()], "itself": [data()]}),
        match_latest(),
        build_wrapper(draw),
    )


@pytest.fixture
def built(current: Store) -> RRef:
    return realize(instantiate(model))


def test_a_realization_shows_its_artifacts_and_where_it_comes_from(built: RRef) -> None:
    page = shown(built)
    for text in ("model", built, "score.txt", "2.3 kB", "deep.txt", "link to /etc/passwd", "lr"):
        assert text in page.text
    assert "root:" not in page.text  # what a link leads to is not looked into
    assert EVIL in page.text
    assert [src[:26] for src in page.attributes["src"]] == ["data:image/svg+xml;base64,"]
    assert "svg" in page.tags  # of the graph


def test_a_result_shows_its_realization_wherever_it_is(current: Store) -> None:
    result = realizeU(instantiate(model))
    assert result.rref in shown(result).text
    page = result._repr_html_()
    with use_store(changed(current, objects="/nowhere")):
        assert result._repr_html_() == page


def test_a_derivation_shows_its_config_and_its_realizations(built: RRef) -> None:
    dref = instantiate(model).targets[0]
    page = shown(dref)
    for text in (dref, "0.1", "64", "null", "true", built[5:13], "self / plot.svg", "/ table.csv"):
        assert text in page.text
    assert "x" * 301 not in page.text
    assert "1,000 characters" in page.text


def test_what_is_not_realized_says_so(current: Store) -> None:
    assert "not realized" in shown(instantiate(model).targets[0]).text


def test_a_closure_shows_a_picture_of_itself(current: Store) -> None:
    closure = instantiate(report)
    page = shown(closure)
    assert page.tags.count("rect") == 3
    assert "3 derivations" in page.text
    assert "closure of report" in page.text


def test_a_plan_shows_what_would_be_done_and_why(built: RRef) -> None:
    page = shown(plan(instantiate(report)))
    assert "1 to build" in page.text
    assert "hit" in page.text
    assert "#ffcc80" in page.attributes["fill"]


def test_a_build_shows_what_there_is_so_far(current: Store) -> None:
    rh = repl_realize(instantiate(report))
    b = repl_build(rh)
    assert "nothing is in it" in shown(b).text
    draw(b)
    build_run(b, ["echo", EVIL])
    page = shown(b)
    assert "score.txt" in page.text and "dependencies" in page.text
    assert page.text.count(EVIL) == 3  # in the artifact and twice in the log
    repl_cancel(rh)


def test_a_value_is_shown_as_text_where_there_is_no_page(
    current: Store, store: Store, tmp_path: Path
) -> None:
    nowhere = DRef(f"dref:{'0' * 32}-nothing")
    assert html_of(nowhere) is None
    assert nowhere._repr_html_() is None
    assert html_of(3) is None


def test_without_a_store_there_is_no_page() -> None:
    assert DRef(f"dref:{'0' * 32}-nothing")._repr_html_() is None


def test_nothing_is_loaded_for_it_before_it_is_asked_for() -> None:
    program = (
        "import sys, pylightnix; pylightnix.DRef; pylightnix.realize\n"
        "print([m for m in sys.modules if m.startswith(('pylightnix.web', 'pylightnix.ipython'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def refs(count: int) -> list[DRef]:
    return [DRef(f"dref:{i:032x}-n{i}") for i in range(count)]


@given(st.lists(st.lists(st.integers(0, 89), max_size=4), max_size=90))
def test_any_graph_is_drawn_with_each_arrow_leading_down(deps: list[list[int]]) -> None:
    nodes = refs(len(deps))
    needs = {
        node: [nodes[k] for k in sorted({d % i for d in deps[i]})] if i else []
        for i, node in enumerate(nodes)
    }
    page = Reader(graph(needs, nodes[-1:]))
    assert page.tags.count("rect") <= MOST
    for d in page.attributes.get("d", ()):
        if " C" in d:
            numbers = [float(x) for x in d.replace("M", "").replace("C", "").split()]
            assert numbers[1] < numbers[-1]


def test_of_a_large_graph_the_nearest_is_drawn() -> None:
    nodes = refs(300)
    needs = {node: nodes[i - 1 : i] if i else [] for i, node in enumerate(nodes)}
    page = Reader(graph(needs, nodes[-1:]))
    assert page.tags.count("rect") == MOST
    assert "240 more" in page.text


@given(st.text(), st.text())
def test_no_text_breaks_out_of_an_element(text: str, value: str) -> None:
    page = Reader(tag("p", tag("i", text, title=value), text))
    assert page.tags == ["p", "i"]
    assert list(page.attributes) == ["title"]
    tag("p", text).encode()


def test_what_is_none_is_left_out() -> None:
    assert joined("a", None, Html("<br/>")) == "a<br/>"
    assert tag("p", None, id_=None) == "<p></p>"


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [(0, "0 B"), (999, "999 B"), (999_949, "999.9 kB"), (999_999, "1.0 MB"), (10**13, "10.0 TB")],
)
def test_sizes_are_said_as_people_say_them(bytes_: int, text: str) -> None:
    assert size(bytes_) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60))
def test_the_beginning_of_a_text_is_a_text(text: str) -> None:
    raw = text.encode()
    whole = as_text(raw, len(raw))
    assert whole == text


@pytest.mark.parametrize("raw", [b"\0abc", b"\xff\xfe\xfd"])
def test_what_is_no_text_is_not_shown_as_one(raw: bytes) -> None:
    assert as_text(raw, 100) is None


def test_a_long_text_is_cut_at_the_end_of_a_line() -> None:
    assert as_text(b"one\ntwo\nthree", 9) == "one\ntwo\n..."


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where screenshots are kept: PYLIGHTNIX_SCREENSHOTS, or below pytest's folder."""
    yield Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dref", "rref", "closure", "plan", "build"])
def test_a_browser_shows_the_page(kind: str, built: RRef, pictures: Path) -> None:
    closure = instantiate(report)
    rh = repl_realize(closure)
    draw(repl_build(rh))
    values = {
        "dref": instantiate(model).targets[0],
        "rref": built,
        "closure": closure,
        "plan": plan(closure),
        "build": repl_build(rh),
    }
    page = html_of(values[kind])
    repl_cancel(rh)
    assert page is not None
    rows = rows_of(screenshot(page, pictures, kind))
    assert inked(rows) > 60, "the page is blank"
    assert has_colour(rows, 0xFF, 0x01, 0x23) == (kind in ("rref", "build"))  # the artifact
    assert has_colour(rows, 0xFF, 0xCC, 0x80) == (kind == "plan")  # what would be built


def test_a_blank_page_would_be_seen(tmp_path: Path) -> None:
    assert inked(rows_of(screenshot("", tmp_path, "blank", 300, 200))) == 0
