"""What an archive may cost, and the words in which one is refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pylightnix.core.errors import FetchError, InvalidValue

# A tar has headers and padding between its files: read too, but no user thinks of limiting them.
_OVERHEAD_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may come out of one archive.

    Args:
        entries: files, folders and links together, folders that are only implied by a name
            included.
        total_bytes: sum of the sizes of the files that come out.
        ratio: that sum as a multiple of the archive's own size, looked at only beyond
            `ratio_floor_bytes`.
        ratio_floor_bytes: what any archive may grow to, however small it is.

    Raises:
        InvalidValue: one of them is negative or no whole number.

    Concept: decompression bombs are bounded by count, size and ratio before a byte is written.
    """

    entries: int = 10**6
    total_bytes: int = 64 * 2**30
    ratio: int = 1000
    ratio_floor_bytes: int = 64 * 2**20

    def __post_init__(self) -> None:
        """Refuse what cannot be a limit."""
        for name, value in asdict(self).items():
            if type(value) is not int or value < 0:
                raise InvalidValue(f"Limits({name}={value!r}): give a whole number, 0 or more")


DEFAULT_LIMITS = Limits()


class HostileArchive(FetchError):
    """An archive that asks for something which unpacking must never do; nothing of it was kept."""

    def __init__(self, archive: str, entry: str, cause: str) -> None:
        """Keep which archive, which entry of it, and what is wrong with that entry."""
        super().__init__(archive, entry, cause)
        self.archive, self.entry, self.cause = archive, entry, cause

    def __str__(self) -> str:
        """Say which entry is refused, why, and what to do about it."""
        return (
            f"refused to unpack {self.archive}: entry {self.entry!r} {self.cause}. Nothing of it "
            "was kept; get it from a source that you trust, or take it packed with mode='as-is'"
        )


class BadArchive(FetchError):
    """A file that is no archive we know, or is cut short or damaged; nothing of it was kept."""

    def __init__(self, archive: str, cause: str, advice: str = "") -> None:
        """Keep which archive, what is wrong with it, and what helps if that is known."""
        super().__init__(archive, cause, advice)
        self.archive, self.cause, self.advice = archive, cause, advice

    def __str__(self) -> str:
        """Say what is wrong and what to do about it."""
        advice = self.advice or "fetch it again, or take it as it is with mode='as-is'"
        return f"cannot unpack {self.archive}: {self.cause}; {advice}"


class Guard:
    """Watches over one extraction: counts what it costs and words its refusal."""

    def __init__(self, archive: str, archive_bytes: int, limits: Limits) -> None:
        """Start counting at nothing."""
        self.archive, self.archive_bytes, self.limits = archive, archive_bytes, limits
        by_ratio = max(limits.ratio_floor_bytes, limits.ratio * archive_bytes)
        self._most_bytes = min(limits.total_bytes, by_ratio)
        self._limit = "total_bytes" if limits.total_bytes <= by_ratio else "ratio"
        self._entries = self._made = self._written = self._read = 0

    def afresh(self) -> Guard:
        """The same with nothing counted yet."""
        return Guard(self.archive, self.archive_bytes, self.limits)

    def entry(self, name: str) -> None:
        """Count one more entry that was read, before anything is made of it."""
        self._entries += 1
        if self._entries > self.limits.entries:
            raise self.too_many(name)

    def made(self, name: str) -> None:
        """Count one more thing that is about to be made; one entry may imply many folders."""
        self._made += 1
        if self._made > self.limits.entries:
            raise self.too_many(name)

    def promise(self, name: str, size_bytes: int) -> None:
        """Refuse a size that an entry declares, before anything of it is written."""
        if self._written + size_bytes > self._most_bytes:
            raise self._too_big(name)

    def wrote(self, name: str, size_bytes: int) -> None:
        """Count bytes that are about to be written."""
        self.promise(name, size_bytes)
        self._written += size_bytes

    def read(self, size_bytes: int) -> None:
        """Count bytes that came out of the decompressor, whether they are kept or not."""
        self._read += size_bytes
        if self._read > self._most_bytes + _OVERHEAD_BYTES:
            raise self._too_big("(all of it)")

    def too_many(self, name: str) -> HostileArchive:
        """Word the refusal of one entry too many."""
        most = self.limits.entries
        return self.hostile(
            name, f"is one more than the {most:,} allowed (Limits(entries=...) allows more)"
        )

    def _too_big(self, name: str) -> HostileArchive:
        most, limit = self._most_bytes, self._limit
        return self.hostile(
            name, f"makes more than {most:,} bytes come out (Limits({limit}=...) allows more)"
        )

    def hostile(self, entry: str, cause: str) -> HostileArchive:
        """Word the refusal of an entry."""
        return HostileArchive(self.archive, entry, cause)

    def bad(self, cause: str, advice: str = "") -> BadArchive:
        """Word the refusal of something that is damaged or unknown."""
        return BadArchive(self.archive, cause, advice)
