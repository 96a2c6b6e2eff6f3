"""Placeholders in what stages emit, which name nothing. The engine leaves such a text as it is: nobody would notice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kabanero.engine.verifying.finding import ERROR, Finding
from kabanero.engine.verifying.flow import Flow
from kabanero.model.nearmiss import did_you_mean, near_miss
from kabanero.model.outcomes import STAGE_STATUS

UNKNOWN_PLACEHOLDER = "unknown-placeholder"
ROOTS = ("stage_status", "contextID", "variables")
_PLACEHOLDER = re.compile(r"\$\{([^{}$]*)\}|\$([A-Za-z_]\w*)|\$\{")
_PART = re.compile(r"[^.\[\]]+")


def placeholders(flow: Flow) -> Iterator[Finding]:
    """Every placeholder of every emitted event that can't be filled."""
    variables = [each.name for each in flow.spec.strategy_variables]
    for each in flow.emissions:
        base = flow.place(each.stage, "emit")
        for name, text in each.attributes.items():
            place = f"{base}[{each.entry}].{name}" if base.endswith(".emit") else base
            for reason, fix in _mistakes(text, variables):
                yield Finding(ERROR, UNKNOWN_PLACEHOLDER, place, reason, fix, flow.names[each.stage])


def _mistakes(text: str, variables: list[str]) -> Iterator[tuple[str, str]]:
    if text == STAGE_STATUS:
        return
    for found in _PLACEHOLDER.finditer(text):
        path, bare = found[1], found[2]
        if bare is not None:
            yield from _bare(text, bare)
        elif path is None:
            yield f"{text[found.start() :]} has no end", "close it with }"
        else:
            yield from _path(path, variables)


def _bare(text: str, word: str) -> Iterator[tuple[str, str]]:
    """`$word`: only `$stage_status` is one, and only alone."""
    if word == ROOTS[0]:
        yield f"{STAGE_STATUS} is filled in only where it is the whole text", "write ${stage_status}"
    elif text == f"${word}" or near_miss(word, ROOTS):
        meant = near_miss(word, ROOTS)
        written = STAGE_STATUS if meant == ROOTS[0] else f"${{{meant}}}" if meant else ""
        fix = (
            f"did you mean {written}?" if written else f"possible: {STAGE_STATUS}, ${{contextID}}, ${{variables.NAME}}"
        )
        yield f"${word} names nothing", fix


def _path(path: str, variables: list[str]) -> Iterator[tuple[str, str]]:
    parts = _PART.findall(path.strip()) or [""]
    if parts[0] not in ROOTS:
        yield f"${{{path}}} names nothing", did_you_mean(parts[0], ROOTS)
    elif parts[0] == "variables" and len(parts) > 1 and parts[1] not in variables:
        yield f"${{{path}}} names nothing: there is no variable {parts[1]}", did_you_mean(parts[1], variables)
