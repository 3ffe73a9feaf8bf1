"""The index says what a fresh look says, whatever happened in between and to the file itself."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_projects import mkdist, mkfiles, settle
from plugins.conftest import Install
from pylightnix.plugins import Entry, Index, NoSuchPlugin, Plugin, PluginManager
from pylightnix.plugins.entries import InvalidEntryPoints, ini_text, parse_entry_points
from pylightnix.plugins.installed import stem_of

DISTS = st.sampled_from(["one", "two-parts", "three"])
TEXT = st.text(st.characters(categories=("L", "N"), include_characters="._- "), min_size=1)
NAMES = TEXT.map(str.strip).filter(bool)
Step: TypeAlias = "tuple[bool, str, str, frozenset[str]]"
STEPS: st.SearchStrategy[Step] = st.tuples(
    st.booleans(), DISTS, st.sampled_from("12"), st.frozensets(st.sampled_from("abc"))
)


def seen(index: Index) -> list[Entry]:
    return sorted(index.entries(), key=lambda e: (e.namespace, e.name, e.value, e.distribution))


@settings(max_examples=20)
@given(st.lists(STEPS, max_size=10))
def test_it_says_what_a_fresh_look_says(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # All is believed at once, instead of after two seconds: only comparing can save it.
        patch.setattr("pylightnix.plugins.index._SETTLED_NS", -(10**18))
        site = Path(folder) / "site"
        site.mkdir()
        index = Index([str(site)], f"{folder}/index")
        for n, (there, name, version, points) in enumerate(steps):
            for old in site.glob(f"{name.replace('-', '_')}-*"):
                shutil.rmtree(old)
            time.sleep(0.011)  # a tick of the slowest clock of a file system here
            if there:
                lines = [f"{point} = m:A" for point in sorted(points)]
                mkdist(site, name, {"shop": lines} if lines else {}, version=version)
            fresh = seen(Index([str(site)], f"{folder}/other-{n}"))
            assert seen(index) == fresh
            assert index.names("shop") == {entry.name for entry in fresh}
            for entry in fresh:
                assert entry in index.entries("shop", entry.name)
                assert index.had("shop", entry.name) == ""


def test_it_agrees_with_the_standard_library(index: Index, site: Path) -> None:
    mkdist(site, "shop-a", {"shop": ["a = m:A [extra]", "b.c-d = m:B"], "x.y": ["é = m:C.d"]})
    mkdist(site, "nothing", {})
    points = [*entry_points(group="shop"), *entry_points(group="x.y")]
    found = {(e.group, e.name, e.value) for e in points}
    assert {(e.namespace, e.name, e.value) for e in index.entries()} == found


def test_what_is_believed_is_not_read_again(
    install: Install, index: Index, monkeypatch: pytest.MonkeyPatch, site: Path
) -> None:
    install("shop-a", {"shop": ["a = m:A"]})
    install("shop-none", {})
    settle(site)
    assert index.names("shop") == {"a"}

    def refuse(place: str) -> list[tuple[str, str, str]]:
        raise AssertionError(f"{place} is read again")

    monkeypatch.setattr("pylightnix.plugins.index.entry_points_of", refuse)
    assert index.names("shop") == {"a"}
    mkdist(site, "shop-b", {})
    with pytest.raises(AssertionError, match="shop_b"):
        index.names("shop")


def test_a_distribution_that_gets_its_first_entry_point_is_seen(index: Index, site: Path) -> None:
    mkdist(site, "shop-a", {})
    settle(site)
    assert index.names("shop") == set()
    mkdist(site, "shop-a", {"shop": ["a = m:A"]})
    assert index.names("shop") == {"a"}
    assert [e.name for e in index.entries("shop", "a")] == ["a"]


def test_what_is_gone_is_remembered_until_it_is_back(
    install: Install, index: Index, site: Path
) -> None:
    info = install("Shop.A", {"shop": ["a = m:A"]})
    manager: PluginManager[Plugin] = PluginManager("shop", index=index)
    assert manager.list_names() == ["a"]
    shutil.rmtree(info)
    with pytest.raises(NoSuchPlugin, match=r"shop-a 1\.0 had it.*pip install shop-a"):
        manager.load("a")
    assert [(e.name, e.distribution) for e in index.gone()] == [("a", "shop-a 1.0")]
    mkdist(site, "shop-a", {"shop": ["b = m:A"]}, version="2.0")
    with pytest.raises(NoSuchPlugin, match="had it"):
        manager.load("a")
    mkdist(site, "shop-b", {"shop": ["a = m:A"]})
    assert manager.list_names() == ["a", "b"]
    assert index.gone() == []


def test_of_one_distribution_the_first_on_the_path_counts(tmp_path: Path) -> None:
    sites = [tmp_path / "first", tmp_path / "second"]
    for site in sites:
        mkdist(site, "shop-a", {"shop": [f"{site.name} = m:A"]})
    index = Index(list(map(str, [tmp_path / "nowhere", *sites])), str(tmp_path / "index"))
    assert index.names("shop") == {"first"}
    other = Index(list(map(str, reversed(sites))), str(tmp_path / "index"))
    assert other.names("shop") == {"second"}
    assert index.names("shop") == {"first"}


def test_an_archive_on_the_path_is_looked_into(tmp_path: Path, index: Index) -> None:
    info = mkdist(tmp_path / "z", "shop-z", {"shop": ["z = m:A"]})
    egg = tmp_path / "shop_z.whl"
    with zipfile.ZipFile(egg, "w") as file:
        for path in info.iterdir():
            file.write(path, f"{info.name}/{path.name}")
    found = Index([str(egg), str(tmp_path / "x.py")], str(tmp_path / "i"))
    assert [(e.name, e.distribution) for e in found.entries("shop")] == [("z", "shop-z 1.0")]
    assert found.names("shop") == {"z"}
    assert found.entries("shop", "y") == []


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "a bit": lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
    "another form": lambda data: data.replace(b"plugins 1", b"plugins 9"),
    "not text": lambda data: b"\xff\xfe" * 100,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_broken_file_is_made_anew(kind: str, install: Install, index: Index) -> None:
    install("shop-a", {"shop": ["a = m:A"]})
    assert index.names("shop") == {"a"}
    file = Path(index.file)
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    assert index.names("shop") == {"a"}
    assert file.read_bytes().startswith(b"pylightnix plugins 1 ")


def test_a_file_that_cannot_be_written_is_no_error(install: Install, site: Path) -> None:
    install("shop-a", {"shop": ["a = m:A"]})
    index = Index([str(site)], "/dev/null/index")
    assert index.names("shop") == {"a"}
    folder = Index([str(site)], str(site))
    assert folder.names("shop") == {"a"}
    assert not list(site.parent.glob("site.*"))


def test_the_doctor_knows_whether_it_can_be_written(nonroot: None, tmp_path: Path) -> None:
    assert Index([], str(tmp_path / "new" / "index")).writable()
    tmp_path.chmod(0o500)
    assert not Index([], str(tmp_path / "new" / "index")).writable()
    tmp_path.chmod(0o700)


@given(
    st.dictionaries(st.tuples(NAMES, NAMES.filter(lambda n: n[0] not in "[#;")), st.just("m:A.b"))
)
def test_what_is_written_can_be_read(points: dict[tuple[str, str], str]) -> None:
    entries = [Entry(group, name, target) for (group, name), target in points.items()]
    again = [Entry(*triple) for triple in parse_entry_points(ini_text(entries))]
    assert len(again) == len(entries)
    assert set(again) == set(entries)


@pytest.mark.parametrize("name", ["", " a", "a=b", "a\nb", "[a", "#a", "a]"])
def test_a_name_that_could_not_be_read_is_not_written(name: str) -> None:
    with pytest.raises(InvalidEntryPoints, match="cannot be the name"):
        ini_text([Entry("shop", name, "m:A")])


def test_a_stem_is_name_and_version() -> None:
    assert stem_of("/x/My.Shop_A-1.0.post1.dist-info") == "my-shop-a 1.0.post1"
    assert stem_of("/x/shop.egg-info") == "shop"
    assert stem_of("/x/shop-1.0-py3.11.egg-info") == "shop 1.0"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """1,000 plugins in 200 distributions."""
    site = tmp_path_factory.mktemp("many")
    for d in range(200):
        points = [f"p{d}_{i} = many_{d}.mod:P{i}" for i in range(5)]
        mkdist(site, f"many-{d}", {"many.plugins": points})
        classes = "".join(
            f'class P{i}(Plugin):\n    namespace = "many.plugins"\n    name = "p{d}_{i}"\n'
            for i in range(5)
        )
        text = f"from pylightnix.plugins import Plugin\n{classes}"
        mkfiles(site, {f"many_{d}/__init__.py": "", f"many_{d}/mod.py": text})
    settle(site)
    yield site


def test_of_a_thousand_plugins_one_is_imported_to_load_one(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(many))
    manager: PluginManager[Plugin] = PluginManager(
        "many.plugins", index=Index([str(many)], str(tmp_path / "index"))
    )
    assert len(manager.list_names()) == 1000
    assert not [name for name in sys.modules if name.startswith("many_")]
    assert manager.load("p7_3").name == "p7_3"
    loaded = [name for name in sys.modules if name.startswith("many_")]
    assert sorted(loaded) == ["many_7", "many_7.mod"]
    for name in loaded:
        del sys.modules[name]


def test_a_thousand_plugins_are_discovered(many: Path) -> None:
    from pylightnix.plugins import discover

    found = discover(str(many))
    assert len(found.entries) == 1000
    assert (found.unsure, found.broken) == ((), ())
