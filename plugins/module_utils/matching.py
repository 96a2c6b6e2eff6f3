# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What triggers match and filter, by the same rules as the runner's.

Used by the module event, the event source and the filters.
"""

from __future__ import annotations

import fnmatch
import json
import re

from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError


def matches(data, wanted):
    """Whether every attribute that is wanted is there and equal; dots in a name go into nested objects."""
    return all(_equal(attribute(data, name), value) for name, value in wanted.items())


def attribute(data, name):
    """The value of this name, None where there is none."""
    for part in name.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _equal(found, value):
    return found is not None and as_text(found) == as_text(value)


def as_text(value):
    """As the runner compares values: JSON's words for what is no text."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def path_of(text):
    """A JSONPath as a function of data: the values that it finds, as text. Raises ConfigError.

    The library is looked for here: only who filters by a path needs it.
    """
    try:
        from jsonpath_ng.ext.parser import parse
    except ImportError as error:
        raise ConfigError(f"a jsonPath needs the library jsonpath-ng here, for this Python: {error}")
    try:
        path = parse(text)
    except Exception as error:
        raise ConfigError(f"the jsonPath {text!r} can't be read: {error}")
    return lambda data: [as_text(found.value) for found in path.find(data) if found.value is not None]


def passes(values, allowed=None, disallowed=()):
    """Whether values pass a filter: each must match one of the globs `allowed` and none that is `disallowed`.

    `allowed` None lets all pass, even where there is no value.
    """
    if allowed is not None and not values:
        return False
    return all((allowed is None or _any(allowed, value)) and not _any(disallowed, value) for value in values)


def _any(globs, value):
    return any(re.fullmatch(fnmatch.translate(glob), value) for glob in globs)
