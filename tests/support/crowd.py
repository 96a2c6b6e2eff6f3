"""Webhooks that crowd in, for tests of what they hold up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from kabanero.controllers.lull import CROWD, Lull


@contextmanager
def taking_in(lull: Lull, webhooks: int = CROWD) -> Iterator[None]:
    """So many webhooks are under way."""
    with ExitStack() as under_way:
        for _ in range(webhooks):
            under_way.enter_context(lull.taking_in())
        yield
