"""From a run's results to the outputs of its stage. Pure; the way back of what the stage's playbook does with inputs.

A result sets the output of its name; `image-url`, `image-digest` and others set fields of the output `image`. Case and
separators count for nothing. A result that belongs to no output keeps its own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kabanero.model.nearmiss import fold
from kabanero.model.resource import Resource

_SEPARATORS = "-_. "
_LOCATED = ("image", "docker", "github")
_IMAGES = ("image", "docker")
_FIELDS = {"url": "location", "uri": "location", "revision": "commit"}
_TYPE_HINTS = {"imageurl": "location", "imagedigest": "digest"}
"""What the tasks of Tekton's catalog and Tekton Chains call an image's results."""


def outputs(run: Resource, stage_spec: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a stage by name, from a PipelineRun's or TaskRun's results and the stage's spec."""
    results = {each["name"]: _value(each["value"]) for each in (run.get("status") or {}).get("results") or ()}
    declared = {each["name"]: each.get("type") or "string" for each in _declared(stage_spec)}
    found: dict[str, Any] = {}
    for binding in stage_spec.get("results") or ():
        if binding["result"] in results:
            value = results.pop(binding["result"])
            _set(found, binding["output"], binding.get("field") or "", value, declared)
    for name in sorted(results, key=len):
        output, field = _meant(name, declared)
        _set(found, output, field, results[name], declared)
    return found


def _declared(stage_spec: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (stage_spec.get("resources") or {}).get("output") or ()


def _value(value: Any) -> Any:
    """Texts without the line break that `echo` puts behind them."""
    if isinstance(value, str):
        return value.removesuffix("\n")
    if isinstance(value, list):
        return [_value(each) for each in value]
    return {key: _value(each) for key, each in value.items()} if isinstance(value, dict) else value


def _meant(result: str, declared: Mapping[str, str]) -> tuple[str, str]:
    """The output and its field that a result sets; its own name and no field when it belongs to none."""
    for output in sorted(declared, key=len, reverse=True):
        if fold(result) == fold(output):
            return output, ""
        field = _field(result, output)
        if field and declared[output] in (*_LOCATED, "object"):
            return output, field
    images = [output for output, type in declared.items() if type in _IMAGES]
    if fold(result) in _TYPE_HINTS and len(images) == 1:
        return images[0], _TYPE_HINTS[fold(result)]
    return result, ""


def _field(result: str, output: str) -> str:
    """What stands in the result's name behind the output's name and a separator, as the field is called there."""
    ends = [end for end in range(1, len(result)) if fold(result[:end]) == fold(output)]
    if not ends:
        return ""
    rest = result[ends[0] :]
    if not (rest[0] in _SEPARATORS or (rest[0].isupper() and result[ends[0] - 1].islower())):
        return ""
    word = rest.strip(_SEPARATORS)
    word = word.lower() if word.isupper() else word[:1].lower() + word[1:]
    return _FIELDS.get(word, word)


def _set(found: dict[str, Any], output: str, field: str, value: Any, declared: Mapping[str, str]) -> None:
    if not field and declared.get(output) in _LOCATED:
        fields = value if isinstance(value, dict) else {"location": value}
        value = {_FIELDS.get(key, key): each for key, each in fields.items()}
    if field:
        value = {field: value}
    there = found.get(output)
    found[output] = {**there, **value} if isinstance(there, dict) and isinstance(value, dict) else value
