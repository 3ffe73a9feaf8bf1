"""Digests: one domain each."""

from __future__ import annotations

from hashlib import sha256

import pytest

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
