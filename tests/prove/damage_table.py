"""The damages of the proof, by name."""

from __future__ import annotations

import os
from random import Random

from . import audit
from .damages import (
    BUILD,
    MANIFEST,
    Damage,
    Site,
    added,
    become,
    cut,
    edited,
    extend,
    flip,
    forged,
    gone,
    inside,
    less,
    link,
    moved_behind_link,
    on,
    opened,
    other_size,
    overwrite,
    pretty,
    read,
    renamed,
    toggle_x,
    write,
)

CONFIG = "../config.json"


def swap_manifests(site: Site) -> str | None:
    """Give an object the manifest of another one."""
    if not site.others:
        return None
    other = audit.place(site.objects, site.rng.choice(site.others))
    overwrite(f"{site.folder}/{MANIFEST}", read(f"{other}/{MANIFEST}"))
    return site.rref


def under_another_derivation(site: Site) -> str | None:
    """Move an object into the folder of another derivation."""
    homes = sorted({rref[38:] for rref in site.others} - {site.rref[38:]})
    if not homes:
        return None
    return _moved(site, f"rref:{site.rref[5:37]}-{site.rng.choice(homes)}")


def under_another_hash(site: Site) -> str | None:
    """Give an object another name."""
    return _moved(site, f"rref:{site.rng.randbytes(16).hex()}-{site.rref[38:]}")


def in_the_place_of_another(site: Site) -> str | None:
    """Put an object where another one of its derivation belongs, or was."""
    twins = [rref for rref in site.others if rref[38:] == site.rref[38:]]
    if not twins:
        return None
    twin = site.rng.choice(twins)
    aside = f"{site.objects}/aside"
    for source, target in ((twin, aside), (site.rref, twin)):
        os.chmod(audit.place(site.objects, source), 0o755)
        place = target if target == aside else audit.place(site.objects, target)
        os.rename(audit.place(site.objects, source), place)
    os.rename(aside, site.folder)
    return site.rref


def _moved(site: Site, target: str) -> str | None:
    place = audit.place(site.objects, target)
    if os.path.lexists(place):
        return None
    os.chmod(site.folder, 0o755)
    os.rename(site.folder, place)
    return target


def renamed_derivation(site: Site) -> str | None:
    """Give the folder of a derivation another name; its hash stays."""
    target = f"{site.home}X"
    if os.path.lexists(target):
        return None
    os.rename(site.home, target)
    return f"{site.dref}X"


def rehashed_derivation(site: Site) -> str | None:
    """Give the folder of a derivation another hash; its name stays."""
    target = f"dref:{site.rng.randbytes(16).hex()}{site.dref[37:]}"
    os.rename(site.home, audit.place(site.objects, target))
    return target


def config_of_another(site: Site) -> str | None:
    """Give a derivation the config of another one."""
    homes = sorted({rref[38:] for rref in site.others} - {site.rref[38:]})
    if not homes:
        return None
    raw = read(f"{site.objects}/{site.rng.choice(homes)}/config.json")
    overwrite(f"{site.home}/config.json", raw)
    return site.dref


def writable(path: str, rng: Random) -> None:
    """Give write permissions."""
    os.chmod(path, os.lstat(path).st_mode | rng.choice([0o200, 0o222, 0o020]))


def touched(path: str, rng: Random) -> None:
    """Give another time."""
    os.utime(path, (rng.randrange(2**31), rng.randrange(2**31)), follow_symlinks=False)


def mkfifo(path: str) -> None:
    """Make a pipe with a name."""
    os.mkfifo(path)


def emptied(path: str, rng: Random) -> None:
    """Leave nothing in a file."""
    del rng
    overwrite(path, b"")


def _retarget(path: str, rng: Random) -> None:
    opened(path)
    os.unlink(path)
    os.symlink(f"elsewhere{rng.randrange(100)}", path)


DAMAGES: tuple[Damage, ...] = (
    Damage("a flipped bit", on("file", flip), quick=False),
    Damage("a file cut short", on("file", cut)),
    Damage("a file emptied", on("file", emptied)),
    Damage("a longer file", on("file", extend)),
    Damage("an empty file filled", on("empty", extend)),
    Damage("the x bit", on("file", toggle_x)),
    Damage("the x bit of an empty file", on("empty", toggle_x)),
    Damage("a file missing", on("file", gone)),
    Damage("a folder missing", on("folder", gone)),
    Damage("a link missing", on("link", gone)),
    Damage("a file renamed", on("file", renamed)),
    Damage("a folder renamed", on("folder", renamed)),
    Damage("a link renamed", on("link", renamed)),
    Damage("a file is a folder", on("file", become(os.mkdir))),
    Damage("a file is a link", on("file", become(link("text")))),
    Damage("a file is a link to itself", on("file", moved_behind_link)),
    Damage("a folder is a file", on("folder", become(write))),
    Damage("a folder is a link to itself", on("folder", moved_behind_link)),
    Damage("a link is a file", on("link", become(write))),
    Damage("a link is a folder", on("link", become(os.mkdir))),
    Damage("a file is a pipe", on("file", become(mkfifo))),
    Damage("another target", on("link", _retarget)),
    Damage("one more file", inside(".", added(write))),
    Damage("one more hidden file", inside(".", added(write, ".text."))),
    Damage("one more folder", on("folder", added(os.mkdir))),
    Damage("one more link", on("folder", added(link("/etc/passwd")))),
    Damage("one more of ours", inside(".pylightnix", added(write))),
    Damage("our folder is a link", inside(".pylightnix", moved_behind_link)),
    Damage("our folder is missing", inside(".pylightnix", gone)),
    Damage("the object is a link", inside(".", moved_behind_link)),
    Damage("the object is a file", inside(".", become(write))),
    Damage("the object is an empty folder", inside(".", become(os.mkdir))),
    Damage("a flipped bit in the manifest", inside(MANIFEST, flip)),
    Damage("the manifest cut short", inside(MANIFEST, cut)),
    Damage("the manifest is longer", inside(MANIFEST, extend)),
    Damage("the manifest emptied", inside(MANIFEST, emptied)),
    Damage("the manifest missing", inside(MANIFEST, gone)),
    Damage("the manifest is a link", inside(MANIFEST, moved_behind_link)),
    Damage("another size in the manifest", inside(MANIFEST, edited(other_size))),
    Damage("an entry less in the manifest", inside(MANIFEST, edited(less))),
    Damage("a manifest in other words", inside(MANIFEST, pretty)),
    Damage("a forged manifest", inside(MANIFEST, forged)),
    Damage("the manifest of another object", swap_manifests),
    Damage("under another derivation", under_another_derivation),
    Damage("under another hash", under_another_hash),
    Damage("in the place of another", in_the_place_of_another),
    Damage("a derivation of another name", renamed_derivation),
    Damage("a derivation of another hash", rehashed_derivation),
    Damage("a flipped bit in the config", inside(CONFIG, flip)),
    Damage("the config cut short", inside(CONFIG, cut)),
    Damage("the config emptied", inside(CONFIG, emptied)),
    Damage("the config is longer", inside(CONFIG, extend)),
    Damage("the config missing", inside(CONFIG, gone)),
    Damage("the config is a folder", inside(CONFIG, become(os.mkdir))),
    Damage("a config in other words", inside(CONFIG, pretty)),
    Damage("the config of another derivation", config_of_another),
)

HARMLESS: tuple[Damage, ...] = (
    Damage("a file can be written to", on("file", writable), harmless=True, notice=True),
    Damage("a folder can be written to", on("folder", writable), harmless=True, notice=True),
    Damage("the object can be written to", inside(".", writable), harmless=True, notice=True),
    Damage("the config can be written to", inside(CONFIG, writable), harmless=True, notice=True),
    Damage("build.json is lost", inside(BUILD, gone), harmless=True, notice=True),
    Damage("build.json is other", inside(BUILD, flip), harmless=True),
    Damage("another time of a file", on("any", touched), harmless=True),
    Damage("another time of the object", inside(".", touched), harmless=True),
    Damage("another time of the config", inside(CONFIG, touched), harmless=True),
)
