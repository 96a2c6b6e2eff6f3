"""What the API server's refusals mean, as our errors. Pure; called by `client` and by whoever reads a watch.

Source: Kubernetes API concepts and `metav1.Status`; what real servers answer is held by tests/cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kabanero.kubernetes.requests import Request
from kabanero.model.errors import (
    AlreadyExistsError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    KabaneroError,
    KindMissingError,
    NotFoundError,
    Problem,
    StoreUnavailableError,
)
from kabanero.model.kinds.registry import BY_KIND, INTERNAL_KINDS
from kabanero.model.resource import ResourceType

Status = Mapping[str, Any]
INSTALL = "kubectl apply --server-side -f config/crds"
OURS = {*BY_KIND, *(kind.type.kind for kind in INTERNAL_KINDS)}
_RBAC = re.compile(r'User "(?P<user>[^"]*)" cannot ')
_UNKNOWN_FIELD = re.compile(r'unknown field "([^"]+)"')
_UNSUPPORTED_FIELD = re.compile(r"field label not supported: (\S+)")


def status_of(body: bytes) -> Status:
    """The Status in an answer; where a proxy or a missing path answers in plain text, one with that text."""
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return status
    return {"message": body[:500].decode(errors="replace").strip()}


def retry_after(code: int, status: Status, headers: Mapping[str, str]) -> float | None:
    """Seconds after which the same request may be sent again, when the server says so and has done nothing yet."""
    if code not in (429, 503):
        return None
    said = headers.get("Retry-After") or _details(status).get("retryAfterSeconds")
    try:
        return float(said) if said is not None else (1.0 if code == 429 else None)
    except (TypeError, ValueError):
        return 1.0


def error_of(request: Request, code: int, status: Status) -> KabaneroError:
    """The error that a refusal means."""
    message = str(status.get("message") or f"the API server answered {code}")
    if found := _BY_CODE.get(code):
        return found(request, status, message)
    if code == 429 or code >= 500:
        return StoreUnavailableError(f"{request}: {message}")
    return InvalidError(f"{request.type.kind} {request.name}".rstrip(), _problems(request, status, message))


def _clash(_: Request, status: Status, message: str) -> KabaneroError:
    return AlreadyExistsError(message) if status.get("reason") == "AlreadyExists" else ConflictError(message)


def _expired(_: Request, __: Status, message: str) -> KabaneroError:
    return ExpiredError(message)


def _timed_out(request: Request, status: Status, message: str) -> KabaneroError:
    causes = _details(status).get("causes") or ()
    if any(cause.get("reason") == "ResourceVersionTooLarge" for cause in causes):
        return ExpiredError(f"{message}: the API server has lost what it knew, or stands behind another one")
    return StoreUnavailableError(f"{request}: {message}")


def _missing(request: Request, status: Status, message: str) -> KabaneroError:
    """A missing resource (or namespace) is named in the answer; a path that is not served is answered without."""
    if _details(status).get("kind"):
        return NotFoundError(message)
    return missing_kind(request.type, request.resource)


def missing_kind(type: ResourceType, resource: str = "") -> KindMissingError:
    """What to say of a kind that the server does not serve; `resource` may name a subresource."""
    text = f"the API server does not serve {resource or type.plural or type.kind} of {type.api_version}"
    if not type.group or not type.plural:
        return KindMissingError(text)
    definition = f"CustomResourceDefinition {type.plural}.{type.group}"
    install = INSTALL if type.kind in OURS else f"kubectl apply -f FILE, with the definition of {type.kind} in it"
    return KindMissingError(f"{text}: {definition} is missing or older; install it: {install}")


def _unknown_to_it(request: Request, _: Status, __: str) -> KabaneroError:
    text = "the API server does not accept our credentials; see to the token or certificate of the kubeconfig"
    return ForbiddenError(f"{request}: {text}", request.verb, request.resource, request.namespace)


def _forbidden(request: Request, _: Status, message: str) -> KabaneroError:
    where = f"in namespace {request.namespace}" if request.namespace else "in all namespaces"
    tried = (request.verb, request.resource, request.namespace)
    user = _RBAC.search(message)
    if user is None:  # Refused by admission: the server's own sentence says by whom and why.
        return ForbiddenError(f"{request}: {message}", *tried)
    rule = f'{{apiGroups: ["{request.type.group}"], resources: ["{request.resource}"], verbs: ["{request.verb}"]}}'
    text = f"{user['user']} may not {request.verb} {request.resource} {where}: give it a role with the rule {rule}"
    return ForbiddenError(text, *tried)


def _problems(request: Request, status: Status, message: str) -> list[Problem]:
    causes = _details(status).get("causes") or ()
    if found := [Problem(str(c.get("field") or ""), str(c.get("message") or c.get("reason"))) for c in causes]:
        return found
    if fields := _UNKNOWN_FIELD.findall(message):
        newer = f"where it is a field of ours, the cluster has older definitions: {INSTALL}"
        return [Problem(field, f"is not a field of {request.type.kind}", newer) for field in fields]
    if unsupported := _UNSUPPORTED_FIELD.search(message):
        return [Problem(unsupported[1], "can't be selected by", f"the cluster has older definitions: {INSTALL}")]
    return [Problem("", message)]


def _details(status: Status) -> Mapping[str, Any]:
    return status.get("details") or {}


_BY_CODE: Mapping[int, Callable[[Request, Status, str], KabaneroError]] = {
    401: _unknown_to_it,
    403: _forbidden,
    404: _missing,
    409: _clash,
    410: _expired,
    504: _timed_out,
}
