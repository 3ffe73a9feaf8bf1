"""A failed build is run once more, by what was noted beside the folder that it left."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pylightnix import (
    Build,
    BuildFailed,
    DRef,
    Registry,
    Store,
    build_outpath,
    build_run,
    build_wrapper,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    mknode,
    realize,
    rmref,
    store_rrefs,
)
from pylightnix.engine.again import MOST_BYTES, CannotRepeat, once_more
from pylightnix.store.scratch import remains


def failing(store: Store, builder: Callable[[Build], None], **fields: object) -> DRef:
    """Realize what will fail; gives the derivation."""

    def stage(r: Registry) -> DRef:
        return mkdrv(mkconfig({"name": "x", **fields}), match_only(), build_wrapper(builder), r)

    with pytest.raises(BuildFailed) as caught:
        realize(instantiate(stage, store=store))
    return DRef(caught.value.dref)


def test_what_failed_fails_again_in_a_folder_of_its_own(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    def builder(b: Build) -> None:
        (build_outpath(b) / "half").write_text("x")
        print("said")
        build_run(b, ["sh", "-c", "echo from a program; exit 3"])

    dref = failing(store, builder)
    capfd.readouterr()
    (left,) = remains(store)
    with once_more(store, left) as again:
        assert (again.dref, again.failed) == (dref, "failed again")
        assert again.folder != left.folder
        assert Path(again.folder, "half").read_text() == "x"
        assert "from a program" in Path(again.log).read_text()
        assert "ProgramFailed" in Path(again.log).read_text()
    assert capfd.readouterr().out == "said\n"
    assert [one.folder for one in remains(store)] == [again.folder, left.folder]
    assert store_rrefs(dref, store=store) == []
    with once_more(store, remains(store)[0]) as third:  # and what was left now is as good
        assert third.failed


def test_it_is_given_what_its_caller_gave_it_each_time(store: Store) -> None:
    def builder(b: Build) -> None:
        (build_outpath(b) / "given").write_text(str(b.rarg.get("lr")))
        raise ValueError

    def stage(r: Registry) -> DRef:
        return mkdrv(mkconfig({"name": "x"}), match_only(), build_wrapper(builder), r)

    closure = instantiate(stage, store=store)
    with pytest.raises(BuildFailed):
        realize(closure, realize_args={closure.targets[0]: {"lr": 0.5}})
    for _ in range(2):
        with once_more(store, remains(store)[0]) as again:
            assert Path(again.folder, "given").read_text() == "0.5"


def test_what_does_not_fail_this_time_leaves_nothing(store: Store, tmp_path: Path) -> None:
    def builder(b: Build) -> None:
        (build_outpath(b) / "done").write_text("x")
        if not (tmp_path / "mended").exists():
            raise ValueError

    dref = failing(store, builder)
    (tmp_path / "mended").touch()
    (left,) = remains(store)
    with once_more(store, left) as again:
        assert again.failed == ""
        assert os.listdir(again.folder) == ["done"]
    assert not os.path.exists(again.folder)
    assert remains(store) == [left]
    assert store_rrefs(dref, store=store) == []


def test_a_crash_is_not_ours(store: Store) -> None:
    here = os.getpid()

    def builder(b: Build) -> None:
        (build_outpath(b) / "half").touch()
        if os.getpid() != here:
            os.kill(os.getpid(), 9)
        raise ValueError

    failing(store, builder)
    with once_more(store, remains(store)[0]) as again:
        assert again.failed == "failed again: signal 9 (SIGKILL)"
        assert os.listdir(again.folder) == ["half"]


def test_its_code_is_that_of_now_where_it_can_be_imported(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "builder_of_today.py").write_text("def build(b):\n    raise ValueError\n")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        patch.chdir(tmp_path)
        import builder_of_today  # type: ignore[import-not-found]

        failing(store, builder_of_today.build)
    del sys.modules["builder_of_today"]
    (tmp_path / "builder_of_today.py").write_text(
        "import os\n\ndef build(b):\n    b.make_outputs()[0].joinpath(os.getcwd()[1:2]).touch()\n"
    )
    before = list(sys.path), os.getcwd()
    with once_more(store, remains(store)[0]) as again:
        assert again.failed == ""
        assert os.listdir(again.folder) == [str(tmp_path)[1]]
    assert (sys.path, os.getcwd()) == before
    sys.modules.pop("builder_of_today", None)
    (tmp_path / "builder_of_today.py").unlink()
    with pytest.raises(CannotRepeat, match=r"its code cannot be loaded.*builder_of_today"):
        _enter(store)


def _enter(store: Store) -> None:
    with once_more(store, remains(store)[0]):
        pass


@pytest.mark.parametrize(
    "held", [threading.Lock(), b"x" * MOST_BYTES], ids=["cannot be copied", "too large"]
)
def test_what_could_not_be_noted_is_told_so(store: Store, held: object) -> None:
    def builder(b: Build) -> None:
        raise ValueError(str(held)[:9])

    failing(store, builder)
    with pytest.raises(CannotRepeat, match=r"could not be kept.*Realize its stage again"):
        _enter(store)


def fails(b: Build) -> None:
    raise ValueError


def test_what_others_could_have_written_is_not_run(store: Store) -> None:
    failing(store, fails)
    noted = Path(f"{remains(store)[0].folder}.again")
    noted.chmod(0o666)
    with pytest.raises(CannotRepeat, match="may be the work of another user"):
        _enter(store)
    noted.rename(noted.with_suffix(".else"))
    noted.symlink_to(noted.with_suffix(".else"))
    with pytest.raises(CannotRepeat, match="symbolic link"):
        _enter(store)


def test_what_it_needs_must_be_there(store: Store) -> None:
    made: list[DRef] = []

    def below(r: Registry) -> DRef:
        made.append(mknode({"name": "below"}, r=r))
        return made[-1]

    def stage(r: Registry) -> DRef:
        config = mkconfig({"name": "x", "needs": below(r)})
        return mkdrv(config, match_only(), build_wrapper(fails), r)

    with pytest.raises(BuildFailed):
        realize(instantiate(stage, store=store))
    (gone,) = store_rrefs(made[-1], store=store)
    rmref(gone, store=store)
    with pytest.raises(CannotRepeat, match=f"it needs {gone}, which is gone"):
        _enter(store)
