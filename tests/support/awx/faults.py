"""What goes wrong between a client and AWX: refusals for a while, answers that never arrive."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Fault:
    """The next `times` requests that match get `status`, or lose their connection where it is 0.

    With `after_work` the request is done all the same, and only its answer is lost or exchanged.
    """

    method: str
    path: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    after_work: bool = False
    seconds: float = 0.0

    def hits(self, method: str, path: str) -> bool:
        """Whether this request is one of those; counts it."""
        if self.times <= 0 or method != self.method or not re.search(self.path, path):
            return False
        self.times -= 1
        return True
