"""Pack three versions of a tiny package, so that the demo needs no network: `python wheels.py`."""

import zipfile
from pathlib import Path

WHEELS = Path(__file__).parent / "wheels"
SOURCE = 'VERSION = "{version}"\n\n\ndef score(numbers):\n    return sum(numbers) * {factor}\n'
FACTORS = {"1.0": 0.5, "2.0": 0.75, "3.0": 0.625}


def pack(version: str, factor: float) -> None:
    info = f"tinyml-{version}.dist-info"
    files = {
        "tinyml.py": SOURCE.format(version=version, factor=factor),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tinyml\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a demo\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(WHEELS / f"tinyml-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)


if __name__ == "__main__":
    WHEELS.mkdir(exist_ok=True)
    for version, factor in FACTORS.items():
        pack(version, factor)
