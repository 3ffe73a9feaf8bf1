"""Bytes and hashes that must never change: there are stores that have them.

The files beside this one hold them. Nothing here writes such a file, on purpose: other bytes mean a
new version of the store. `make golden` shows what differs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

import pytest

from pylightnix import (
    Build,
    DRef,
    Registry,
    Store,
    build_outpath,
    build_wrapper,
    dirrw,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    mkfile,
    mknode,
    realize_context,
    selfref,
)
from pylightnix.store.ingest import hash_path
from strategies import Tree, plant

HERE = Path(__file__).parent
# Read now, for no test sees variables of ours.
SHOW_DIFF = os.environ.get("PYLIGHTNIX_GOLDEN") == "diff"

DEP_FIELDS: dict[str, object] = {"name": "golden-dep"}
DEP_TREE: Tree = {"data": ("f", b"\x00\xff\n")}
TREE: Tree = {
    "hello.txt": ("f", b"Hello, world!\n"),
    "bin": ("d",),
    "bin/run": ("x", b"#!/bin/sh\nexec cat ../hello.txt\n"),
    "bin-old": ("l", "bin/../bin"),
    "empty": ("d",),
    "nothing": ("f", b""),
    "Größe": ("f", "naïve\n".encode()),
    "名 前": ("l", "/dangling"),
}


def fields_for(dep: str) -> dict[str, object]:
    """A config with everything that may be in one."""
    return {
        "name": "golden_1",
        "text": 'é "quoted" \\ / \n\t\x00\x7f\u2028 名 \U0001f600',
        "numbers": [0, -1, 2**70, 1.0, -0.0, 0.1, 1e16, 1e-7, 1.7976931348623157e308, 5e-324],
        "others": [True, False, None, [], {}, ""],
        "Z": {"b": 1, "a": 2, "ä": 3, "B": 4, "": 5, "10": 6, "9": 7},
        "input": [dep, "data"],
        "result": [selfref, "bin", "run"],
    }


# --- the specification's words, with nothing of the library


def canonical(value: object) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def dref_by_hand(fields: Mapping[str, object]) -> str:
    digest = sha256(b"pylightnix-config-v1\0" + canonical(fields)).hexdigest()
    return f"dref:{digest[:32]}-{fields['name']}"


def rref_by_hand(manifest: bytes, dref: str) -> str:
    digest = sha256(b"pylightnix-realization-v1\0" + manifest).hexdigest()
    return f"rref:{digest[:32]}-{dref[5:37]}-{dref[38:]}"


def file_by_hand(path: str, kind: str, data: bytes) -> list[object]:
    return [path, kind, len(data), sha256(data).hexdigest()]


# In the order of the bytes of the path: "bin-old" before "bin/run", what is not ASCII last.
ENTRIES: list[list[object]] = [
    file_by_hand("Größe", "f", "naïve\n".encode()),
    ["bin", "d"],
    ["bin-old", "l", "bin/../bin"],
    file_by_hand("bin/run", "x", b"#!/bin/sh\nexec cat ../hello.txt\n"),
    ["empty", "d"],
    file_by_hand("hello.txt", "f", b"Hello, world!\n"),
    file_by_hand("nothing", "f", b""),
    ["名 前", "l", "/dangling"],
]


def manifest_by_hand(
    dref: str, context: Mapping[str, Sequence[str]], entries: list[list[object]]
) -> bytes:
    return canonical({"version": 1, "dref": dref, "context": context, "entries": entries})


DEP_DREF = dref_by_hand(DEP_FIELDS)
DEP_MANIFEST = manifest_by_hand(DEP_DREF, {}, [file_by_hand("data", "f", b"\x00\xff\n")])
DEP_RREF = rref_by_hand(DEP_MANIFEST, DEP_DREF)
DREF = dref_by_hand(fields_for(DEP_DREF))
MANIFEST = manifest_by_hand(DREF, {DEP_DREF: [DEP_RREF]}, ENTRIES)
RREF = rref_by_hand(MANIFEST, DREF)
FOLDER = sha256(b"pylightnix-tree-v1\0" + canonical(ENTRIES)).hexdigest()


# --- what the library makes of the same


@dataclass(frozen=True)
class Made:
    """The example, realized in a store."""

    objects: Path
    dref: str
    rref: str
    folder_hash: str
    stages: str

    @property
    def derivation(self) -> Path:
        return self.objects / self.dref[5:]

    @property
    def meta(self) -> Path:
        return self.derivation / self.rref[5:37] / ".pylightnix"


def planter(tree: Tree) -> object:
    def build(b: Build) -> None:
        plant(tree, build_outpath(b))

    return build_wrapper(build)


def example(r: Registry) -> DRef:
    dep = mkdrv(mkconfig(DEP_FIELDS), match_only(), planter(DEP_TREE), r)  # type: ignore[arg-type]
    return mkdrv(mkconfig(fields_for(dep)), match_only(), planter(TREE), r)  # type: ignore[arg-type]


def library_stages(r: Registry) -> str:
    made = {
        "mkfile": mkfile("golden", "text\n", r=r),
        "mkfile of another name": mkfile("golden", b"\x00", filename="data.bin", r=r),
        "mknode": mknode({"lr": 0.1}, {"a": b"1", "b": b"2"}, r=r),
        "mknode of nothing": mknode({}, name="golden", r=r),
    }
    return "".join(f"{dref} {what}\n" for what, dref in made.items())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    store = Store.open(tmp_path_factory.mktemp("golden"), create=True)
    rref, _ = realize_context(instantiate(example, store=store))
    outside = tmp_path_factory.mktemp("outside")
    plant(TREE, outside)
    dirrw(outside)
    dref = instantiate(example, store=store).result
    folder_hash, stages = hash_path(None, str(outside)), library_stages(Registry())
    return Made(Path(store.objects), dref, rref, folder_hash, stages)


def layout(objects: Path) -> str:
    """Everything in the store: mode, time in seconds, path."""
    lines = []
    for path in sorted(objects.rglob("*"), key=lambda path: os.fsencode(path)):
        status = path.lstat()
        # Folders of derivations and configs have the time and the mode that their maker gave them.
        depth = len(path.relative_to(objects).parts)
        ours = depth > 2 or (depth == 2 and path.is_dir())
        facts = f"{status.st_mode:06o} {int(status.st_mtime)}" if ours else "*"
        lines.append(f"{facts} {path.relative_to(objects)}\n")
    return "".join(lines)


def build_keys(made: Made) -> str:
    dep = made.objects / DEP_DREF[5:] / DEP_RREF[5:37] / ".pylightnix"
    found = {"portable": dep, "not portable": made.meta}
    return "".join(
        f"{what}: {' '.join(json.loads((meta / 'build.json').read_bytes()))}\n"
        for what, meta in found.items()
    )


# --- one against the other, and both against the files


def test_the_library_names_and_writes_what_the_specification_says(made: Made) -> None:
    assert made.dref == DREF
    assert (made.derivation / "config.json").read_bytes() == canonical(fields_for(DEP_DREF))
    assert (made.meta / "manifest.json").read_bytes() == MANIFEST
    assert made.rref == RREF
    assert made.folder_hash == FOLDER


def test_the_stages_of_the_library_put_hashes_of_contents_into_their_configs(made: Made) -> None:
    artifacts = {"golden": sha256(b"text\n").hexdigest()}
    dref = dref_by_hand({"name": "golden", "__artifacts__": artifacts})
    assert f"{dref} mkfile\n" in made.stages


def test_provenance_is_not_hashed(made: Made) -> None:
    assert (made.meta / "build.json").read_bytes() not in MANIFEST
    assert sorted(path.name for path in made.meta.iterdir()) == ["build.json", "manifest.json"]


def compare(file: str, got: bytes) -> None:
    """Compare with a golden file, byte by byte; never write one."""
    wanted = (HERE / file).read_bytes()
    if got == wanted:
        return
    if not SHOW_DIFF:
        pytest.fail(f"not the bytes of tests/golden/{file}; `make golden` shows the difference")
    # `]` and `}` end a line here, that a diff of one long line may be read.
    old, new = (
        [f"{line}\n" for line in data.decode(errors="replace").replace("],", "],\n").splitlines()]
        for data in (wanted, got)
    )
    pytest.fail("".join(unified_diff(old, new, f"tests/golden/{file}", "made now")), pytrace=False)


@pytest.mark.parametrize("file", ["config.json", "manifest.json"])
def test_the_bytes_are_those_of_every_store_there_is(made: Made, file: str) -> None:
    folder = made.derivation if file == "config.json" else made.meta
    compare(file, (folder / file).read_bytes())


def test_the_names_are_those_of_every_store_there_is(made: Made) -> None:
    names = {"dref": made.dref, "rref": made.rref, "folder": made.folder_hash}
    compare("names.txt", "".join(f"{what} {name}\n" for what, name in names.items()).encode())


def test_the_layout_is_that_of_every_store_there_is(made: Made) -> None:
    compare("layout.txt", layout(made.objects).encode())


def test_provenance_has_the_fields_that_readers_know(made: Made) -> None:
    compare("build-keys.txt", build_keys(made).encode())


def test_the_stages_of_the_library_make_the_same_derivations_as_ever(made: Made) -> None:
    compare("stages.txt", made.stages.encode())


def test_what_differs_is_told(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (HERE / "names.txt").read_bytes()
    monkeypatch.setitem(globals(), "SHOW_DIFF", False)
    with pytest.raises(pytest.fail.Exception, match="`make golden` shows the difference"):
        compare("names.txt", b"dref other\n")
    monkeypatch.setitem(globals(), "SHOW_DIFF", True)
    with pytest.raises(
        pytest.fail.Exception, match=r"(?s)--- tests/golden/names.txt.*\+dref other"
    ):
        compare("names.txt", b"dref other\n")
    assert (HERE / "names.txt").read_bytes() == before
