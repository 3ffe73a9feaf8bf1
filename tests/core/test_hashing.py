"""Digests: one domain each."""

from __future__ import annotations

import sys
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from pylightnix.core import hashing
from pylightnix.core.hashing import config_digest, realization_digest, tree_digest


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 10_000])
def test_every_digest_is_of_its_domain_and_the_bytes(data: bytes) -> None:
    assert config_digest(data) == sha256(b"pylightnix-config-v1\0" + data).hexdigest()[:32]
    assert (
        realization_digest(data) == sha256(b"pylightnix-realization-v1\0" + data).hexdigest()[:32]
    )
    assert tree_digest(data) == sha256(b"pylightnix-tree-v1\0" + data).hexdigest()


def test_digests_do_not_remember_what_was_hashed_before() -> None:
    assert config_digest(b"a") == config_digest(b"a") != config_digest(b"b")


def test_without_the_algorithms_of_python_itself_digests_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, module, None)
    spec = spec_from_file_location("pylightnix.core.with_openssl", hashing.__file__)
    assert spec is not None and spec.loader is not None
    plain = module_from_spec(spec)
    spec.loader.exec_module(plain)
    assert plain.sha256 is sha256
    assert plain.config_digest(b"a") == config_digest(b"a")
