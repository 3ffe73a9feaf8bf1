"""Tiny wheels, packed by hand: packages that no index has."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(
    folder: Path, name: str, version: str, files: Mapping[str, str], needs: Sequence[str] = ()
) -> Path:
    """Pack a wheel of these files; gives its path."""
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {need}" for need in needs]
    whole = {**files, f"{info}/METADATA": "\n".join(lines) + "\n", f"{info}/WHEEL": WHEEL}
    record = [f"{path},sha256={digest(text)},{len(text.encode())}" for path, text in whole.items()]
    whole[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in whole.items():
            archive.writestr(zipfile.ZipInfo(inside, (2020, 1, 1, 0, 0, 0)), text)
    return path


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def greetings(folder: Path) -> Path:
    """A folder with two versions of one package, and one that needs the older."""
    for version in ("1.0", "2.0"):
        source = f'VERSION = "{version}"\n\n\ndef hello(name):\n    return f"hello {{name}}"\n'
        wheel(folder, "greet", version, {"greet/__init__.py": source})
    wheel(folder, "needy", "1.0", {"needy.py": "import greet\n"}, ["greet<2"])
    return folder


def sdist(folder: Path, marker: Path) -> Path:
    """Pack a source whose build writes a file, wherever it is built, and fails; gives its path."""
    write = f"open({str(marker)!r}, 'w').close()"
    backend = f"def build_wheel(*_, **__):\n    {write}\n    raise SystemExit(1)\n"
    backend += "prepare_metadata_for_build_wheel = build_wheel\n"
    project = '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n'
    project += '[project]\nname = "builds"\ndynamic = ["version"]\n'
    about = "Metadata-Version: 2.1\nName: builds\nVersion: 1.0\n"
    folder.mkdir(exist_ok=True)
    path = folder / "builds-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (("pyproject.toml", project), ("b.py", backend), ("PKG-INFO", about)):
            info = tarfile.TarInfo(f"builds-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path
