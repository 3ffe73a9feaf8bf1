"""Stores of thousands of objects, written byte by byte: no test has the time to build them."""

from __future__ import annotations

import json
import os
from hashlib import sha256

from pylightnix import Store


def canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest(domain: bytes, data: bytes) -> str:
    return sha256(domain + b"\0" + data).hexdigest()[:32]


def write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    os.write(fd, data)
    os.close(fd)


def fill(store: Store, count: int) -> list[str]:
    """Write derivations in chains of ten, with one realization each; gives all references."""
    refs: list[str] = []
    dep: tuple[str, str] | None = None
    for number in range(count // 2):
        if number % 10 == 0:
            dep = None
        dep = one(store, number, dep)
        refs += dep
    return refs


def one(store: Store, number: int, dep: tuple[str, str] | None) -> tuple[str, str]:
    """Write one derivation and its realization."""
    fields = {"name": "big", "number": number, "dep": None if dep is None else dep[0]}
    config = canonical(fields)
    tail = f"{digest(b'pylightnix-config-v1', config)}-big"
    home = f"{store.objects}/{tail}"
    data = str(number).encode()
    manifest = canonical(
        {
            "context": {} if dep is None else {dep[0]: [dep[1]]},
            "dref": f"dref:{tail}",
            "entries": [["number", "f", len(data), sha256(data).hexdigest()]],
            "version": 1,
        }
    )
    rhash = digest(b"pylightnix-realization-v1", manifest)
    os.makedirs(f"{home}/{rhash}/.pylightnix")
    write(f"{home}/config.json", config)
    write(f"{home}/{rhash}/number", data)
    write(f"{home}/{rhash}/.pylightnix/manifest.json", manifest)
    stop = f"2024-05-01T10:00:00.{number:06d}+00:00"
    write(f"{home}/{rhash}/.pylightnix/build.json", canonical({"stop": stop}))
    return f"dref:{tail}", f"rref:{rhash}-{tail}"
