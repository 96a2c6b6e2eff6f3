"""What the checks tell the person who waits for them."""

from __future__ import annotations

import sys
import threading

_said = threading.Lock()


def say(text: str) -> None:
    """One line, whole, at once."""
    with _said:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
