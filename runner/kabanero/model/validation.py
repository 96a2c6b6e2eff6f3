"""Says everything that is wrong with a resource at once: where, why, and what would mend it.

Called before anything is stored: by the API server, `kabanero apply` and `kabanero lint`. The rules themselves stand in
`model.kinds`; here they are applied to plain JSON objects, and garbage gives problems, never an exception.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.kinds import meta
from kabanero.model.kinds.core import CORE_BY_KIND
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.kinds.stages import CustomStageSpec, StageStatus
from kabanero.model.metadata import metadata_problems
from kabanero.model.nearmiss import did_you_mean, near_miss
from kabanero.model.plain import TOO_DEEP, unfit
from kabanero.model.resource import API_VERSION, Resource
from kabanero.model.shapes import Shape, prune
from kabanero.model.wording import field_path, found, problems_of, shortened

MOST_PROBLEMS = 50
"""More problems than this in one resource are counted, not named."""
_ENVELOPE = ("apiVersion", "kind", "metadata")
_NO_CUSTOM: Mapping[str, Resource] = {}
Parts = dict[str, type[BaseModel]]


def check(resource: Resource, *, strict: bool = True, custom: Mapping[str, Resource] = _NO_CUSTOM) -> None:
    """Raises InvalidError with every problem that `validate` finds."""
    if problems := validate(resource, strict=strict, custom=custom):
        raise InvalidError(label(resource), problems)


def label(resource: Any) -> str:
    """`StrategyRun namespace/name` as far as the resource says it."""
    fields = resource if isinstance(resource, dict) else {}
    about = fields.get("metadata") if isinstance(fields.get("metadata"), dict) else {}
    place = "/".join(str(about[key]) for key in ("namespace", "name") if about and about.get(key))
    return f"{shortened(str(fields.get('kind') or 'resource'))} {shortened(place)}".rstrip()


def validate(resource: Resource, *, strict: bool = True, custom: Mapping[str, Resource] = _NO_CUSTOM) -> list[Problem]:
    """Every problem of the resource, empty when there is none.

    `strict`: fields that are not known are problems; else they are tolerated, as `without_unknown` drops them.
    `custom`: the StageKind resources that are there, by the kind that they declare.
    """
    value: Any = resource
    if not isinstance(value, dict):
        return [Problem("", f"a resource must be a map, but this is {found(value)}")]
    problems = _of_map(value, strict, custom)
    if len(problems) > MOST_PROBLEMS:
        more = len(problems) - MOST_PROBLEMS
        return [*problems[:MOST_PROBLEMS], Problem("", f"and at least {more} more problems")]
    return problems


def without_unknown(resource: Resource, *, custom: Mapping[str, Resource] = _NO_CUSTOM) -> Resource:
    """The resource without fields that its kind does not know, as Kubernetes prunes them. The input stays as it is."""
    parts = parts_of(str(resource.get("kind")), custom)
    if parts is None:
        return resource
    known = (*_ENVELOPE, *parts)
    shapes = {"metadata": _shape(meta.ObjectMeta)} | {name: _shape(model) for name, model in parts.items()}
    kept = {key: value for key, value in resource.items() if key in known}
    kept |= {key: prune(kept[key], shape) for key, shape in shapes.items() if key in kept}
    return prune(kept, _body_shape(str(resource.get("kind")))) if resource.get("kind") in CORE_BY_KIND else kept


def parts_of(kind: str, custom: Mapping[str, Resource] = _NO_CUSTOM) -> Parts | None:
    """What stands beside the metadata of a kind: `spec` and `status`, or a core kind's fields. None: unknown kind."""
    if kind in BY_KIND:
        return {"spec": BY_KIND[kind].spec, "status": BY_KIND[kind].status}
    if kind in custom:
        return {"spec": CustomStageSpec, "status": StageStatus}
    return None


def _of_map(resource: Resource, strict: bool, custom: Mapping[str, Resource]) -> list[Problem]:
    problems = _identity_problems(resource, custom)
    kind = resource.get("kind")
    problems += _metadata(resource, strict)
    if not isinstance(kind, str):
        return problems
    if kind in CORE_BY_KIND:
        return problems + _core(resource, strict)
    parts = parts_of(kind, custom)
    return problems if parts is None else problems + _our_own(resource, parts, strict)


def _identity_problems(resource: Resource, custom: Mapping[str, Resource]) -> list[Problem]:
    kind, version = resource.get("kind"), resource.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        reason = "is missing" if kind is None else f"must be the name of a kind, but is {found(kind)}"
        return [Problem("kind", reason, f"one of {', '.join([*BY_KIND, *custom])}")]
    known = [*BY_KIND, *CORE_BY_KIND, *custom]
    if kind not in known:
        return [Problem("kind", f'"{shortened(kind)}" is not a kind that is known here', _kind_fix(kind, known))]
    wanted = "v1" if kind in CORE_BY_KIND else API_VERSION
    if version == wanted:
        return []
    reason = "is missing" if version is None else f"must be {wanted} for a {kind}, but is {found(version)}"
    return [Problem("apiVersion", reason, f"write apiVersion: {wanted}")]


def _kind_fix(kind: str, known: list[str]) -> str:
    if near_miss(kind, known):
        return did_you_mean(kind, known)
    return f"declare it by a StageKind, or use one of {', '.join(known)}"


def _metadata(resource: Resource, strict: bool) -> list[Problem]:
    if "metadata" not in resource:
        return [Problem("metadata", "is missing", "add metadata with a name")]
    problems = _part(meta.ObjectMeta, resource["metadata"], "metadata", strict)
    return problems or metadata_problems(str(resource.get("kind")), resource["metadata"])


def _our_own(resource: Resource, parts: Parts, strict: bool) -> list[Problem]:
    problems = _unknown_at_top(resource, (*_ENVELOPE, *parts)) if strict else []
    if "spec" not in resource:
        problems.append(Problem("spec", "is missing", "add spec"))
    for name, model in parts.items():
        if name in resource:
            problems += _part(model, resource[name], name, strict)
    return problems


def _unknown_at_top(resource: Resource, known: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(field_path("", (str(key),)), "is not a field that is known here", did_you_mean(str(key), known))
        for key in list(resource)[: MOST_PROBLEMS * 2]
        if key not in known
    ]


def _core(resource: Resource, strict: bool) -> list[Problem]:
    kind = str(resource["kind"])
    body = {key: value for key, value in resource.items() if key not in _ENVELOPE}
    return _part(CORE_BY_KIND[kind].body, body, "", strict) or _base64_problems(kind, body)


def _base64_problems(kind: str, body: dict[str, Any]) -> list[Problem]:
    field = {"Secret": "data", "ConfigMap": "binaryData"}.get(kind)
    if field is None:
        return []
    values = (body.get(field) or {}).items()
    fix = "write plain text under stringData" if kind == "Secret" else "write plain text under data"
    return [
        Problem(field_path(field, (key,)), "is not base64", fix) for key, value in values if not _is_base64(value or "")
    ]


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _part(model: type[BaseModel], value: Any, path: str, strict: bool) -> list[Problem]:
    shape = _shape(model)
    try:
        # A date would be written as text, and what looks at the value itself would still find a date.
        encoded = orjson.dumps(value if strict else prune(value, shape), option=orjson.OPT_PASSTHROUGH_DATETIME)
    except (TypeError, RecursionError):
        return unfit(value, path) or [Problem(path, "can't be written as JSON")]
    try:
        model.model_validate_json(encoded, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        return _explained(error, value, shape, path)
    return []


def _explained(error: ValidationError, value: Any, shape: Shape, path: str) -> list[Problem]:
    details = error.errors(include_url=False)[: MOST_PROBLEMS * 4]
    if any(detail["type"] == "json_invalid" for detail in details):
        return unfit(value, path) or [Problem(path, TOO_DEEP)]
    return problems_of(details, shape, path)


@cache
def _shape(model: type[BaseModel]) -> Shape:
    return Shape("object", model=model)


def _body_shape(kind: str) -> Shape:
    return _shape(CORE_BY_KIND[kind].body)
