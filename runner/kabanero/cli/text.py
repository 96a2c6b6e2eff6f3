"""Text from outside made harmless for a terminal, and times and widths as people read them.

Names, messages and logs come from repositories and webhooks: an escape sequence in a branch name must not reach the
terminal, nor may a right-to-left override turn a name around.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_HOSTILE = re.compile(f"[\x00-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ud800-\udfff\ufeff]")
_HOSTILE_BUT_LINES = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ud800-\udfff\ufeff]")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,40}m")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}


def safe(text: Any, *, lines: bool = False) -> str:
    """The text with control and direction characters written as escapes; `lines` lets newlines and tabs through."""
    return (_HOSTILE_BUT_LINES if lines else _HOSTILE).sub(_escaped, str(text))


def is_hostile(text: str) -> bool:
    """Whether there is anything in it that `safe` with lines would escape."""
    return _HOSTILE_BUT_LINES.search(text) is not None


def safe_log(text: str, *, colours: bool) -> str:
    """A piece of a log: colours stay or go, every other control sequence is escaped."""
    kept = _COLOUR.findall(text) if colours else []
    pieces = [safe(piece.replace("\r\n", "\n"), lines=True) for piece in _COLOUR.split(text)]
    if not colours:
        return "".join(pieces)
    return "".join(piece + colour for piece, colour in zip(pieces, [*kept, ""], strict=True))


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def one_line(text: Any, longest: int = 0) -> str:
    """Safe text on one line; with `longest`, cut to that many characters."""
    line = safe(" ".join(str(text).split()))
    return line if not longest or len(line) <= longest else line[: longest - 1] + "…"


def fitted(text: str, stream: Any, *, used: int = 0, indent: int = 2) -> str:
    """Safe text as it fits the terminal, further lines indented; as it is where `stream` is none.

    `used` columns of the first line are taken already. Words stay whole: a path or a name can be copied.
    """
    if not stream.isatty():
        return text
    import shutil
    import textwrap

    width = max(shutil.get_terminal_size((80, 24)).columns, 20)
    wrap = textwrap.TextWrapper(width, " " * used, " " * indent, break_long_words=False, break_on_hyphens=False)
    lines = [wrap.fill(line)[used:] if line else "" for line in text.split("\n")]
    return f"\n{' ' * indent}".join(lines)


def parse_time(text: str | None) -> datetime | None:
    """An RFC 3339 time, or None where there is none or it can't be read."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except ValueError:
        return None


def duration(seconds: float) -> str:
    """A span as people read it: `840ms`, `4.2s`, `1m12s`, `3h05m`, `2d04h`."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for size, unit, smaller, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // smaller:02d}{small_unit}"
    return f"{whole}s"


def span(start: str | None, end: str | None, now: datetime) -> str:
    """How long something took, or has taken until `now`; empty where it hasn't begun.

    Resources tell times in whole seconds: what began and ended in the same one took `<1s`.
    """
    began, ended = parse_time(start), parse_time(end)
    if began is None:
        return ""
    if began == ended and not began.microsecond:
        return "<1s"
    return duration(((ended or now) - began).total_seconds())


def age(time: str | None, now: datetime) -> str:
    """How long ago, in one unit where that says enough: `12s`, `5m`, `3h`, `4d`."""
    then = parse_time(time)
    if then is None:
        return ""
    seconds = max((now - then).total_seconds(), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def local_clock(time: str | None) -> str:
    """A time of today as `14:03:22`, any other with its date, in the local zone."""
    then = parse_time(time)
    if then is None:
        return ""
    local = then.astimezone()
    same_day = local.date() == datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")
