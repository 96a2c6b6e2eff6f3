# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a stage's inputs and outputs to the params of a Pipeline. No I/O. Used by tekton_run.

A repository `source` offers `source-url`, `source-revision`, `source-branch` and its further fields as
`source-FIELD`; an image `image` offers `image` (its location) and `image-FIELD`; any other value offers itself. Names
match whatever their case and separators are (`source_url`, `sourceUrl`). Only what the Pipeline declares is sent.
"""

from __future__ import annotations

import collections
import difflib
import json
import re

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError

REPOSITORY = "github"
IMAGES = ("image", "docker")


Offer = collections.namedtuple("Offer", "value told whole", defaults=(True, None))
"""A value for a param; whether a resolver's Pipeline gets it; the object that it stands for, if it does."""


def choose_params(declared, given, offered, pipeline):
    """The params of a PipelineRun by name.

    `declared` is the Pipeline's `spec.params`, None when a resolver fetches it; `given` the stage's own params, which
    count first; `offered` as `offer` makes it. Raises KabaneroError that names what is missing, unknown or misshapen.
    """
    given = _there(given)
    if declared is None:
        named = {_fold(name) for name in given}
        told = {name: each.value for name, each in offered.items() if each.told and _fold(name) not in named}
        return {name: _as_type(name, value, None) for name, value in {**told, **given}.items()}
    names = [each["name"] for each in declared]
    wanted = {spelled(name, names, pipeline, "param"): Offer(value) for name, value in given.items()}
    by_fold = {_fold(name): each for name, each in reversed(list(offered.items()))}
    chosen = {}
    for each in declared:
        name, type = each["name"], each.get("type") or "string"
        found = wanted.get(name) or offered.get(name) or by_fold.get(_fold(name))
        if found:
            chosen[name] = _as_type(name, found.whole if type == "object" and found.whole else found.value, type)
    _check_complete(declared, chosen, offered, pipeline)
    return chosen


def offer(values, types):
    """What a stage's inputs and outputs can give, as Offers by the name of the param.

    `values` and `types` are by name of the resource; of a type that isn't told the value's shape decides.
    """
    offered = {}
    for name, value in _there(values).items():
        for param, entry in _offered(name, value, types.get(name) or "").items():
            if entry.value is not None:
                offered.setdefault(param, entry)
    return offered


def spelled(name, possible, owner, what):
    """The declared name that `name` means. Raises KabaneroError with the near miss."""
    if name in possible:
        return name
    same = [each for each in possible if _fold(each) == _fold(name)]
    if same:
        return same[0]
    near = difflib.get_close_matches(name, possible, 1, 0.6)
    meant = f"did you mean {near[0]}?" if near else f"it has {', '.join(possible) or 'none'}"
    raise KabaneroError(f"{owner} has no {what} {name}; {meant}", reason=f"{what.capitalize()}Unknown")


def _there(values):
    return {name: value for name, value in values.items() if value is not None}


def _fold(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _offered(name, value, type):
    if not isinstance(value, dict):
        is_url = type == REPOSITORY
        return {name: Offer(value, not is_url), **({f"{name}-url": Offer(value)} if is_url else {})}
    if type == REPOSITORY or (not type and "commit" in value):
        return _repository(name, value)
    if type in IMAGES or (type in ("", "string") and "location" in value):
        location = value.get("location")
        return {name: Offer(location, True, value), f"{name}-url": Offer(location, False), **_fields(name, value)}
    return {name: Offer(value), **_fields(name, value)}


def _repository(name, value):
    location = value.get("location")
    revision = value.get("commit") or value.get("tag") or value.get("branch")
    usual = {"url": location, "revision": revision, "branch": value.get("branch")}
    offered = {f"{name}-{field}": Offer(each or None) for field, each in usual.items()}
    return {**_fields(name, value), **offered, name: Offer(location, False, value)}


def _fields(name, value):
    return {f"{name}-{field}": Offer(each, False) for field, each in value.items() if not isinstance(each, dict)}


def _as_type(name, value, type):
    """The value as Tekton's type: a text, a list of texts or a map of texts. `type` None: as the value's shape is."""
    if isinstance(value, dict) and type in (None, "object"):
        return {key: _text(each) for key, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)) and type in (None, "array"):
        return [_text(each) for each in value]
    if type == "array" and not isinstance(value, dict):
        return [_text(value)]
    if type in (None, "string") and not isinstance(value, (dict, list, tuple)):
        return _text(value)
    raise KabaneroError(
        f"param {name} is a{'n' if type in ('array', 'object') else ''} {type}, but its value is {_shape(value)}; "
        f"give it another with spec.params.{name} of the stage",
        reason="ParamInvalid",
    )


def _text(value):
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, separators=(",", ":"))


def _shape(value):
    if isinstance(value, dict):
        return f"a map with {', '.join(sorted(map(str, value))) or 'nothing in it'}"
    return "a list" if isinstance(value, (list, tuple)) else f"the single value {value!r}"


def _check_complete(declared, chosen, offered, pipeline):
    lacking = [each["name"] for each in declared if "default" not in each and each["name"] not in chosen]
    if not lacking:
        return
    told = [_lacking(name, [each for each in offered if each not in chosen]) for name in lacking]
    plural = "params" if len(lacking) > 1 else "param"
    raise KabaneroError(
        f"{pipeline} needs the {plural} {', '.join(told)}, which no input of the stage gives; "
        f"bind an input of that name or set spec.params.{lacking[0]} of the stage",
        reason="ParamsMissing",
        params=lacking,
    )


def _lacking(name, possible):
    near = difflib.get_close_matches(_fold(name), {_fold(each): each for each in possible}, 1, 0.6)
    meant = [each for each in possible if near and _fold(each) == near[0]]
    return f"{name} (there is {meant[0]})" if meant else name
