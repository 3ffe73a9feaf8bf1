"""`unpack`: an archive inside a dependency."""

from __future__ import annotations

from typing import Any

import pytest

from pylightnix import (
    BuildFailed,
    DRef,
    InvalidValue,
    Registry,
    Store,
    UnknownDependency,
    instantiate,
    mkfile,
    mknode,
    realize,
    rref2path,
    unpack,
)
from pylightnix.stages.guard import BadArchive, HostileArchive, Limits
from stages.packing import END, file, tree

TAR = file(b"d/tool", b"#!", 0o755) + END
UNPACKED = {"d": None, "d/tool": (b"#!", True)}


def unpacked(name: str = "x.tar", data: bytes = TAR, **options: Any) -> dict[str, object]:
    def stage(r: Registry) -> DRef:
        packed = mkfile("packed", data, name, r=r)
        return unpack([packed, name], r=r, **options)

    listed = tree(rref2path(realize(instantiate(stage))))
    return {name: what for name, what in listed.items() if not name.startswith(".pylightnix")}


def test_an_archive_in_a_dependency_is_unpacked(current: Store) -> None:
    assert unpacked() == UNPACKED
    assert unpacked(mode="unpack") == UNPACKED | {"x.tar": (TAR, False)}


def test_the_name_is_the_archive_s(current: Store) -> None:
    registry = Registry()
    packed = mkfile("packed", TAR, "some.data.tar.gz", r=registry)
    assert unpack([packed, "some.data.tar.gz"], r=registry).endswith("-some_data")
    assert unpack([packed, "some.data.tar.gz"], "other", r=registry).endswith("-other")


def test_what_is_broken_hostile_or_no_file_fails_the_build(current: Store) -> None:
    for data, options, error in (
        (b"text", {}, BadArchive),
        (TAR, {"limits": Limits(entries=1)}, HostileArchive),
        (file(b"x.tar") + END, {"mode": "unpack"}, HostileArchive),
    ):
        with pytest.raises(BuildFailed) as failed:
            unpacked(data=data, **options)
        assert isinstance(failed.value.__cause__, error)


def test_a_path_that_leads_to_no_file_fails_the_build(current: Store) -> None:
    def stage(r: Registry) -> DRef:
        return unpack([mknode({}, {"x.tar": TAR}, r=r), "y.tar"], r=r)

    with pytest.raises(BuildFailed, match="no such file"):
        realize(instantiate(stage))


def test_what_is_no_path_in_a_dependency_is_refused_at_once(current: Store) -> None:
    registry = Registry()
    packed = mkfile("packed", TAR, r=registry)
    for refpath in ([packed], [], ["x.tar"], packed, ["__self__", "x.tar"]):
        with pytest.raises(InvalidValue, match=r"give \[dref, 'archive.tar.gz'\]"):
            unpack(refpath, r=registry)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="'unpack', 'unpack,remove'"):
        unpack([packed, "packed"], mode="as-is", r=registry)


def test_the_dependency_must_be_known(current: Store) -> None:
    packed = mkfile("packed", TAR, r=Registry())
    with pytest.raises(UnknownDependency):
        unpack([packed, "packed"], r=Registry())
