"""What every write passes before the store sees it: is it about the right thing, complete, valid, and allowed.

Called by `writes`. Raises ApiErrors that name every field at fault and, where one is near, the field that was meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kabanero.api.catalog import Catalog, declared_kind, is_stage_kind
from kabanero.api.http import Headers, Request
from kabanero.api.rules import as_stored, change_problems
from kabanero.api.status import ApiError, bad_request, failure, invalid
from kabanero.api.targets import Target
from kabanero.model.errors import Problem
from kabanero.model.kinds.core import CORE_BY_KIND
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.resource import Resource
from kabanero.model.validation import validate, without_unknown

_FIELD_VALIDATION = ("Strict", "Warn", "Ignore")
# Kubernetes cuts warnings too: headers must stay small.
_MOST_WARNINGS = 20
_LONGEST_WARNING = 240
_NOT_STORED = ("managedFields", "selfLink")


@dataclass(frozen=True, slots=True)
class Options:
    """What the query of a write asks for."""

    field_validation: str = "Warn"
    dry_run: bool = False


def write_options(request: Request) -> Options:
    """Reads `fieldValidation` and `dryRun`. Raises ApiError 400 for a word that Kubernetes does not know either."""
    validation = request.query.get("fieldValidation") or "Warn"
    if validation not in _FIELD_VALIDATION:
        raise bad_request(f"fieldValidation is {validation!r}; possible: {', '.join(_FIELD_VALIDATION)}")
    return Options(validation, is_dry_run(request.query.get("dryRun")))


def is_dry_run(value: Any) -> bool:
    """Whether `dryRun`, as query parameter or in DeleteOptions, asks for it."""
    if value in (None, "", []):
        return False
    if value in ("All", ["All"]):
        return True
    raise bad_request(f"dryRun is {value!r:.60}; possible: All")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A resource that may be stored, and what its writer should be told all the same."""

    resource: Resource
    warnings: tuple[str, ...] = ()

    @property
    def headers(self) -> Headers:
        """The warnings as HTTP headers."""
        return tuple((b"warning", _warning(text)) for text in self.warnings[:_MOST_WARNINGS])


def _warning(text: str) -> bytes:
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in text[:_LONGEST_WARNING])
    return b'299 - "' + plain.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def admit(target: Target, body: Any, catalog: Catalog, options: Options, old: Resource | None = None) -> Admitted:
    """Checks a whole resource, new (`old` None) or changed, and gives it as it is to be stored."""
    resource = _addressed(target, body)
    unknown, problems = _problems(resource, catalog.declared, options)
    if options.field_validation == "Strict" and unknown:
        raise _strict_error(target, [*unknown, *problems])
    if unknown:
        resource = without_unknown(resource, custom=catalog.declared)
    if problems:
        raise invalid(target.type, _name(resource, target), problems)
    stored = as_stored(target.type, resource)
    if problems := _problems_here(target, stored, catalog, old):
        raise invalid(target.type, _name(resource, target), problems)
    warnings = tuple(str(problem) for problem in unknown) if options.field_validation == "Warn" else ()
    return Admitted(stored, warnings)


def _problems_here(target: Target, resource: Resource, catalog: Catalog, old: Resource | None) -> list[Problem]:
    """What is wrong with a resource, valid by itself, beside what is there already."""
    problems = list(change_problems(target.type, old, resource)) if old is not None else []
    return [*problems, *(_declaration_problems(resource, catalog) if is_stage_kind(target.type) else [])]


def _problems(
    resource: Resource, custom: Mapping[str, Resource], options: Options
) -> tuple[list[Problem], list[Problem]]:
    """Unknown fields, and all else that is wrong."""
    everything = validate(resource, strict=True, custom=custom)
    if not everything:
        return [], []
    serious = validate(resource, strict=False, custom=custom)
    return [problem for problem in everything if problem not in serious], serious


def _strict_error(target: Target, problems: Sequence[Problem]) -> ApiError:
    """Kubernetes answers 400, not 422, where a field is unknown; clients and users know that sentence."""
    error = invalid(target.type, target.name, problems)
    listed = ", ".join(f'unknown field "{p.path}"' if "not a field" in p.reason else str(p) for p in problems)
    hints = "; ".join(f"{p.path}: {p.fix}" for p in problems if p.fix)
    text = f"{target.type.kind} can't be handled: strict decoding error: {listed}" + (f" ({hints})" if hints else "")
    return failure(400, "BadRequest", text, error.details)


def _addressed(target: Target, body: Any) -> Resource:
    """The body with the kind, namespace and name that the URL says, where it doesn't say them itself."""
    if not isinstance(body, dict):
        raise bad_request("the body must be a JSON object")
    type = target.type
    for field, wanted in (("apiVersion", type.api_version), ("kind", type.kind)):
        if body.get(field, wanted) != wanted:
            raise bad_request(
                f"the {field} of the provided object ({body[field]!r:.80}) does not match the expected one ({wanted})"
            )
    meta = body.get("metadata")
    if not isinstance(meta, dict):
        raise bad_request("metadata must be an object with a name")
    return body | {"apiVersion": type.api_version, "kind": type.kind, "metadata": _placed(target, meta)}


def _placed(target: Target, meta: dict[str, Any]) -> dict[str, Any]:
    placed = {key: value for key, value in meta.items() if key not in _NOT_STORED and value is not None}
    for field, wanted in (("namespace", target.namespace), ("name", target.name)):
        given = meta.get(field)
        if given and wanted and given != wanted:
            raise bad_request(f"the {field} of the object ({given!r:.80}) does not match the one of the URL ({wanted})")
        if wanted:
            placed[field] = wanted
    return placed


def _declaration_problems(stage_kind: Resource, catalog: Catalog) -> list[Problem]:
    """A kind that could not be served: its plural, or its name, is another's."""
    name = stage_kind["spec"]["kind"]
    if name in BY_KIND:
        return []
    if name in CORE_BY_KIND:
        return [Problem("spec.kind", f"{name} is a kind of Kubernetes itself", "choose another name")]
    kind = declared_kind(stage_kind)
    if kind is None:
        return [Problem("spec.plural", "is a name of a built-in kind", "choose another plural")]
    served = catalog.find(kind.type.group, kind.type.version, kind.type.plural)
    if served and served.kind != name:
        return [Problem("spec.plural", f"{kind.type.plural} is the plural of {served.kind} already", "choose another")]
    return []


def _name(resource: Resource, target: Target) -> str:
    meta = resource["metadata"]
    return str(target.name or meta.get("name") or meta.get("generateName") or "")
