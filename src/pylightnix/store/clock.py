"""What time it is, as text: ISO 8601 in UTC, as people read it and as texts sort."""

from __future__ import annotations

import time
from functools import lru_cache


def iso_now() -> str:
    """Give the present time with microseconds: texts of one form sort as the times do."""
    second, rest_ns = divmod(time.time_ns(), 10**9)
    return f"{_second(second)}.{rest_ns // 1000:06d}+00:00"


def iso_second_now() -> str:
    """Give the present time without a fraction of a second."""
    return f"{_second(int(time.time()))}+00:00"


# Asked for three times in each build, and the answer stays the same for a whole second.
@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
