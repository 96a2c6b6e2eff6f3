"""Writes everything in the repository that is generated from code. Run by `make docs`.

Tests check that what it writes is current (tests/unit/docs).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kabanero.api import metrics_reference
from kabanero.cli import reference as cli_reference
from kabanero.cli import settings_reference
from kabanero.controllers import events_reference
from kabanero.engine import phases
from kabanero.model import reference

from tools import roles_reference

ROOT = Path(__file__).parent.parent
PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli_reference.reference,
    "docs/reference/events.md": events_reference.page,
    "docs/reference/install.md": roles_reference.page,
    "docs/reference/metrics.md": metrics_reference.page,
    "docs/reference/phases.md": phases.page,
    "docs/reference/settings.md": settings_reference.page,
}
"""What makes each page; those of the kinds come from `model.reference`."""


def main() -> None:
    """Writes all of it."""
    reference.main(str(ROOT))
    for path, page in PAGES.items():
        (ROOT / path).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
