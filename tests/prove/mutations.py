"""Bugs that could be in our own protocol: each is one piece of text put in the place of another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One seeded bug.

    Attributes:
        name: what is no longer done, in words.
        file: below `pylightnix`.
        old: text that is there exactly once.
        new: what takes its place.
        proof: the module of the proof that should notice.
        points: how many points it is given.
    """

    name: str
    file: str
    old: str
    new: str
    proof: str
    points: int


_KILL, _POWER, _SWITCH, _DAMAGE, _STRESS, _COPY, _INDEX = (
    ("points", 200),
    ("powerloss", 80),
    ("interleave", 300),
    ("damage", 150),
    ("stress", 1),
    ("rsync_cut", 20),
    ("index_damage", 90),
)

MUTANTS = (
    Mutant(
        "the name of a realization is not flushed",
        "store/objects.py",
        'if store.durability != "none":\n            _flush_name(home, rref)',
        "if False:\n            _flush_name(home, rref)",
        *_POWER,
    ),
    Mutant(
        "with durability batch the file system is not flushed",
        "store/objects.py",
        'if store.durability == "batch":',
        "if False:",
        *_POWER,
    ),
    Mutant(
        "with durability full files are not flushed",
        "store/freeze.py",
        "os.fchmod(fd, 0o555 if executable else 0o444)\n        os.utime(fd, EPOCH)\n"
        "        if found.sync:",
        "os.fchmod(fd, 0o555 if executable else 0o444)\n        os.utime(fd, EPOCH)\n"
        "        if False:",
        *_POWER,
    ),
    Mutant(
        "with durability full the config is flushed by nobody",
        "store/objects.py",
        'fsys.sync_file(f"{home}/{CONFIG}")',
        "pass",
        "powerloss",
        600,
    ),
    Mutant(
        "what somebody else did not flush is handed out as it is",
        "store/verified.py",
        "sync_filesystem(rref_path(store, rref))",
        "pass",
        "powerloss",
        600,
    ),
    Mutant(
        "a note that was not flushed is believed after a power cut",
        "store/verified.py",
        'return f"{identity}@{boot_id()}"',
        "return identity",
        *_POWER,
    ),
    Mutant(
        "an empty config counts as one",
        "store/query.py",
        "return os.stat(config_path(store, dref)).st_size == len(config.canonical)",
        "return os.stat(config_path(store, dref)).st_size >= 0",
        *_POWER,
    ),
    Mutant(
        "configs are written under one fixed name",
        "store/objects.py",
        'aside = f"{folder}/{INCOMING}{time.time_ns():x}-{id(config):x}"',
        'aside = f"{folder}/{INCOMING}config"',
        *_KILL,
    ),
    Mutant(
        "an output keeps a hard link to outside",
        "store/freeze.py",
        "if status.st_nlink > 1 or _open_for_writing(fd):",
        "if _open_for_writing(fd):",
        *_KILL,
    ),
    Mutant(
        "an output keeps a file that is open for writing",
        "store/freeze.py",
        "if status.st_nlink > 1 or _open_for_writing(fd):",
        "if status.st_nlink > 1:",
        *_KILL,
    ),
    Mutant(
        "the context is not compared",
        "core/manifest.py",
        'return ";".join(lists) or "-"',
        'return "-"',
        *_KILL,
    ),
    Mutant(
        "scratch stays after Ctrl-C",
        "store/scratch.py",
        "            return\n        self.drop()\n",
        "            return\n",
        *_KILL,
    ),
    Mutant(
        "a deletion ignores who depends on the thing",
        "store/removal.py",
        "[*users, *_held_by(store, ref, used)]",
        "_held_by(store, ref, used)",
        *_KILL,
    ),
    Mutant(
        "a deletion ignores roots",
        "store/removal.py",
        "[*users, *_held_by(store, ref, used)]",
        "users",
        *_KILL,
    ),
    Mutant(
        "dependencies are collected before their users",
        "store/gc.py",
        "    for victim in victims:\n        ref = victim.ref\n",
        "    for victim in reversed(victims):\n        ref = victim.ref\n",
        "points",
        1000,
    ),
    Mutant(
        "named roots are not read",
        "store/roots.py",
        "found[mkname(label)] = RRef(ref) if isrref(ref) else DRef(ref)",
        "pass",
        *_KILL,
    ),
    Mutant(
        "a root that cannot be read just now is no root",
        "store/roots.py",
        "if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):",
        "if False:",
        "points",
        1000,
    ),
    Mutant(
        "what cannot be read just now counts as damaged",
        "store/trouble.py",
        "return error.errno in _PASSING",
        "return False",
        "points",
        1000,
    ),
    Mutant(
        "errors of the disk are not told as errors of the store",
        "store/trouble.py",
        "        except OSError as error:\n            raise StoreError(",
        "        except ZeroDivisionError as error:\n            raise StoreError(",
        *_KILL,
    ),
    Mutant(
        "what a process uses is not written down",
        "store/roots.py",
        "        if not fresh and self._pid == os.getpid():\n",
        "        if True:\n",
        *_SWITCH,
    ),
    Mutant(
        "the collector does not read what processes use",
        "store/gc.py",
        "used = live_refs(store, mine)",
        "used: dict[Ref, str] = {}",
        *_SWITCH,
    ),
    Mutant(
        "the collector does not keep others out",
        "store/gc.py",
        "    with collector_lock(store, shared=False, wait_s=wait_s):\n        if not dry_run:",
        "    with collector_lock(store, shared=True, wait_s=wait_s):\n        if not dry_run:",
        *_SWITCH,
    ),
    Mutant(
        "a repair does not look again before it takes something away",
        "store/quarantine.py",
        "if not _is_whole(store, ref):",
        "if True:",
        *_SWITCH,
    ),
    Mutant(
        "the build lock is not taken",
        "store/lock.py",
        "    if stripe in store.held:",
        "    if True:",
        *_STRESS,
    ),
    Mutant(
        "nobody looks again under the build lock",
        "engine/produce.py",
        "            if drv.dref not in shop.force:\n                chosen = choose",
        "            if False:\n                chosen = choose",
        *_STRESS,
    ),
    Mutant(
        "the hash of a manifest is not compared with the name",
        "store/check.py",
        "if rref_of(raw, rref2dref(rref)) != rref:",
        "if False:",
        *_DAMAGE,
    ),
    Mutant(
        "strange files in an object are not seen",
        "store/check.py",
        "if path not in known:",
        "if False:",
        *_DAMAGE,
    ),
    Mutant(
        "the x bit is not compared",
        "store/check.py",
        'if bool(status.st_mode & 0o111) != (kind == "x"):',
        "if False:",
        *_DAMAGE,
    ),
    Mutant(
        "the target of a link is not compared",
        "store/check.py",
        "if len(entry) == 3 and os.readlink(path) != entry[2]:",
        "if False:",
        *_DAMAGE,
    ),
    Mutant(
        "a repair leaves damaged objects where they are",
        "store/quarantine.py",
        "fsys.to_trash(store, path)",
        "pass",
        *_DAMAGE,
    ),
    Mutant(
        "objects from elsewhere are not checked",
        "store/verified.py",
        "if not now and not _is_whole(store, rref):",
        "if False:",
        *_COPY,
    ),
    Mutant(
        "what stands under a name is kept unseen",
        "store/objects.py",
        "    if next(faults(store, rref), None) is None:\n        return True\n",
        "    return True\n",
        *_COPY,
    ),
    Mutant(
        "checksums of the index are not compared",
        "store/index.py",
        "            and checksum == crc32(body.encode(), crc32(key.encode()))\n        }",
        "        }",
        "index_damage",
        500,
    ),
    Mutant(
        "the index does not look at times of folders",
        "store/shelf.py",
        "if known is not None and known.identity == identity and",
        "if known is not None and known.identity[:1] == identity[:1] and",
        *_INDEX,
    ),
    Mutant(
        "the index does not look at change times of folders",
        "store/shelf.py",
        "if known is not None and known.identity == identity and",
        "if known is not None and known.identity[:2] == identity[:2] and",
        *_INDEX,
    ),
    Mutant(
        "what a copy is still bringing is remembered as it is",
        "store/shelf.py",
        "return bool(shelf.strange) or not all(book.stop for book in shelf.books)",
        "return bool(shelf.strange)",
        *_INDEX,
    ),
)
