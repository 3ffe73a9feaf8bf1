"""Trouble of the moment is told apart from damage, and users are told of it in our words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pylightnix import StoreError
from pylightnix.store import machine
from pylightnix.store.trouble import is_passing, read_if_possible, told


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE])
def test_want_of_descriptors_or_memory_passes(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: object, **kwargs: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(OSError):
        read_if_possible("anything")


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EIO, errno.ELOOP, errno.EACCES, errno.EISDIR])
def test_what_is_the_fault_of_the_file_does_not(code: int) -> None:
    assert not is_passing(OSError(code, ""))


def test_a_file_is_read_if_that_is_possible(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "l").symlink_to("f")
    assert read_if_possible(str(tmp_path / "f")) == b"x"
    assert read_if_possible(str(tmp_path / "l")) is None
    assert read_if_possible(str(tmp_path / "nothing")) is None


def test_what_the_system_refuses_becomes_an_error_of_the_store() -> None:
    @told
    def refused(error: BaseException) -> None:
        """Documented."""
        raise error

    with pytest.raises(StoreError, match=r"the system refused what the store needs: .*No space"):
        refused(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(BrokenPipeError):
        refused(BrokenPipeError())
    with pytest.raises(KeyError):
        refused(KeyError())
    assert refused.__doc__ == "Documented."


def test_the_run_of_a_machine_that_nobody_knows_has_no_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import builtins

    def missing(*args: object, **kwargs: object) -> object:
        raise FileNotFoundError

    machine.boot_id.cache_clear()
    known = machine.boot_id()
    machine.boot_id.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", missing)
        assert machine.boot_id() == ""
    machine.boot_id.cache_clear()
    assert machine.boot_id() == known
