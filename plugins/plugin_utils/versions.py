# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Semantic versions and ranges of them. Used by the filter semver_select; what is higher is left to Ansible's class."""

from __future__ import annotations

import operator
import re

from ansible.utils.version import SemanticVersion

OPERATORS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}
COMPARISON = re.compile(r"(>=|<=|!=|>|<|=|\^|~)?v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(-[0-9A-Za-z.-]+)?$")


class RangeError(Exception):
    """The range can't be read."""


def select(versions, range, prerelease=False):
    """The highest version within the range, or None. Raises RangeError."""
    alternatives = [[test for word in part.split() for test in tests(word)] for part in range.split("||")]
    found = []
    for text in versions:
        version = parsed(text)
        if version and (prerelease or not version.is_prerelease) and _within(version, alternatives):
            found.append((version, text))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def parsed(text):
    """The version, or None."""
    try:
        return SemanticVersion(str(text).removeprefix("v"))
    except ValueError:
        return None


def _within(version, alternatives):
    return any(all(compare(version, bound) for compare, bound in tests) for tests in alternatives)


def tests(word):
    """Comparisons that one word of a range stands for, as pairs of an operator and a version. Raises RangeError."""
    read = COMPARISON.match(word)
    if not read:
        raise RangeError(f"{word!r} is no comparison; write ^1.2, ~1.2.3, 1.2.x, or >=1.2 <2 without spaces inside")
    sign, *numbers, pre = read.groups()
    known = [int(number) for number in numbers if number and number.isdigit()]
    if not known:
        return []
    low = _version(known, pre or "")
    if sign in (">=", "<", "!=") or (sign in OPERATORS and len(known) == 3):
        return [(OPERATORS[sign], low)]
    if sign in (">", "<="):  # of a whole series, such as >1.2
        return [(operator.ge if sign == ">" else operator.lt, _after(known, len(known)))]
    if len(known) == 3 and not sign:
        return [(operator.eq, low)]
    return [(operator.ge, low), (operator.lt, _after(known, _kept(sign, known)))]


def _kept(sign, known):
    """How many numbers must stay the same."""
    if sign == "~":
        return min(2, len(known))
    if sign == "^":
        return next((place + 1 for place, number in enumerate(known) if number), len(known))
    return len(known)


def _after(known, kept):
    """The first version behind all that begin with the numbers that are kept; its pre-releases are behind as well."""
    return _version([*known[: kept - 1], known[kept - 1] + 1], "-0")


def _version(known, pre):
    return SemanticVersion(".".join(map(str, [*known, 0, 0, 0][:3])) + pre)
