"""Where a realization comes from, and the text of it in build.json."""

from __future__ import annotations

from collections.abc import Sequence

from pylightnix.core.codec import canonical_json, json_text
from pylightnix.core.value import value


@value
class Provenance:
    """Where a realization comes from; kept in build.json and not hashed.

    Attributes:
        start, stop: ISO 8601 in UTC, with microseconds.
        seconds: how long the builder ran.
        realizer: `module:qualname` of the builder.
    """

    start: str
    stop: str
    seconds: float
    host: str
    user: str
    python: str
    pylightnix: str
    realizer: str


def encode_provenance(provenance: Provenance, remarks: Sequence[str] = ()) -> bytes:
    """Give the bytes of build.json: canonical ones, made by hand, since the form is known.

    Args:
        provenance: where the realization comes from.
        remarks: why it may not survive a copy to another place or system.
    """
    text = f'"portable":{"false" if remarks else "true"},'
    if remarks:
        text += f'"portable_reason":{canonical_json(list(remarks)).decode()},'
    facts = provenance
    return (
        f'{{"host":{json_text(facts.host)},{text}"pylightnix":{json_text(facts.pylightnix)},'
        f'"python":{json_text(facts.python)},"realizer":{json_text(facts.realizer)},'
        f'"seconds":{facts.seconds!r},"start":{json_text(facts.start)},'
        f'"stop":{json_text(facts.stop)},"user":{json_text(facts.user)}}}'
    ).encode()
