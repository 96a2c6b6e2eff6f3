"""What every test may use, and the word at the end on what was left untested."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.testbed.fixtures", "tests.testbed.sharing"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says each reason for a skip, with its count: what was not tested must not go unnoticed."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"NOT TESTED: {count} skipped, {reason}", yellow=True, bold=True)
