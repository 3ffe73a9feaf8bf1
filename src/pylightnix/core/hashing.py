"""Domain-separated SHA-256: the name of a derivation can never be that of a realization.

Names carry the first 32 hex digits (128 bits); manifests carry all 64 of every file.
"""

from __future__ import annotations

from hashlib import sha256

from .refs import HASH_LENGTH

_CONFIG = sha256(b"pylightnix-config-v1\0")
_REALIZATION = sha256(b"pylightnix-realization-v1\0")
_TREE = sha256(b"pylightnix-tree-v1\0")


def config_digest(canonical: bytes) -> str:
    """The hash part of a DRef: 32 hex digits, from the canonical bytes of the unresolved config."""
    state = _CONFIG.copy()
    state.update(canonical)
    return state.hexdigest()[:HASH_LENGTH]


def realization_digest(manifest: bytes) -> str:
    """The hash part of an RRef: 32 hex digits, from the bytes of the manifest."""
    state = _REALIZATION.copy()
    state.update(manifest)
    return state.hexdigest()[:HASH_LENGTH]


def tree_digest(entries: bytes) -> str:
    """What names a folder taken from outside: 64 hex digits, from its entries' canonical bytes."""
    state = _TREE.copy()
    state.update(entries)
    return state.hexdigest()
