"""Domain-separated SHA-256: the name of a derivation can never be that of a realization.

Names carry the first 32 hex digits (128 bits); manifests carry all 64 of every file.
"""

from __future__ import annotations

from functools import cache

from .refs import HASH_LENGTH

# OpenSSL hashes faster, and takes longer to load than all that a program with nothing to do hashes:
# the names of its derivations.
try:
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:  # before Python 3.12, or without the algorithms that come with Python
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import _Hash

_CONFIG = sha256(b"pylightnix-config-v1\0")


@cache
def _begun(domain: bytes) -> _Hash:
    from hashlib import sha256

    return sha256(domain)


def config_digest(canonical: bytes) -> str:
    """The hash part of a DRef: 32 hex digits, from the canonical bytes of the unresolved config."""
    state = _CONFIG.copy()
    state.update(canonical)
    return state.hexdigest()[:HASH_LENGTH]  # type: ignore[no-any-return]


def realization_digest(manifest: bytes) -> str:
    """The hash part of an RRef: 32 hex digits, from the bytes of the manifest."""
    state = _begun(b"pylightnix-realization-v1\0").copy()
    state.update(manifest)
    return state.hexdigest()[:HASH_LENGTH]


def tree_digest(entries: bytes) -> str:
    """What names a folder taken from outside: 64 hex digits, from its entries' canonical bytes."""
    state = _begun(b"pylightnix-tree-v1\0").copy()
    state.update(entries)
    return state.hexdigest()
