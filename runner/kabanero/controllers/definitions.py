"""Gathering what a strategy refers to: its definition, its stages, and how each kind of stage is carried out.

Used when a run is pinned, when a stage is carried out and when a definition is verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from kabanero.controllers.following import every
from kabanero.model.errors import InvalidError, NotFoundError, PermanentError, Problem
from kabanero.model.kinds.registry import BY_KIND, KINDS, STAGE_KIND, STRATEGY_DEFINITION
from kabanero.model.nearmiss import did_you_mean, near_miss
from kabanero.model.resource import GROUP, VERSION, Key, Resource, ResourceType
from kabanero.model.selectors import Requirement, Selector
from kabanero.ports import Store

Controller = Literal["playbook", "external", "approval", "job"]
BUILT_IN_PLAYBOOKS = {"TektonStage": "kabanero.events.stages.tekton_stage"}
"""An AppsodyBuild has none: what a stack is, and which pipeline builds it, only its users' own playbook knows."""
BUILT_IN_CONTROLLERS: dict[str, Controller] = {"EmailApprovalStage": "approval", "JobTemplateStage": "job"}
"""Kinds that need no playbook, unless they are given one."""


class StageUnknownError(PermanentError):
    """A strategy names a stage, or a kind of stage, that isn't there."""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """How one stage is carried out."""

    controller: Controller
    playbook: str
    stage: Resource


async def definition_of(store: Store, namespace: str, name: str) -> Resource:
    """The StrategyDefinition; raises InvalidError that names what was probably meant."""
    try:
        return await store.get(Key(STRATEGY_DEFINITION.type, namespace, name), recent=True)
    except NotFoundError:
        names = [each["metadata"]["name"] async for each in every(store, STRATEGY_DEFINITION.type, namespace=namespace)]
        meant = near_miss(name, names)
        fix = f"did you mean {meant}?" if meant else f"apply a StrategyDefinition named {name} in {namespace}"
        problem = Problem("spec.strategy", f"there is no StrategyDefinition {name} in namespace {namespace}", fix)
        raise InvalidError("StrategyRun", [problem]) from None


async def stages_of(store: Store, definition: Resource) -> dict[tuple[str, str], Resource]:
    """The stage resources that a definition refers to, by kind and name; those that are missing are left out."""
    found: dict[tuple[str, str], Resource] = {}
    namespace = definition["metadata"]["namespace"]
    for binding in definition["spec"].get("stageBindings", ()):
        ref = binding.get("stageRef", {})
        try:
            found[ref["kind"], ref["name"]] = await stage_of(store, namespace, ref)
        except (StageUnknownError, KeyError):
            continue
    return found


async def stage_of(store: Store, namespace: str, ref: dict[str, Any]) -> Resource:
    """The stage resource that a stageRef names. Raises StageUnknownError."""
    type = await stage_type(store, namespace, ref["kind"])
    if type is None:
        raise StageUnknownError(f"{ref['kind']} is no kind of stage")
    try:
        return await store.get(Key(type, namespace, ref["name"]), recent=True)
    except NotFoundError:
        raise StageUnknownError(f"there is no {ref['kind']} {ref['name']} in namespace {namespace}") from None


async def _fix(store: Store, namespace: str, ref: dict[str, Any]) -> str:
    """What would mend a stageRef that leads nowhere."""
    type = await stage_type(store, namespace, ref["kind"])
    if type is not None:
        names = [each["metadata"]["name"] async for each in every(store, type, namespace=namespace)]
        return did_you_mean(ref["name"], names) or f"apply a {ref['kind']} of this name"
    declared = [each["spec"]["kind"] async for each in every(store, STAGE_KIND.type, namespace=namespace)]
    meant = near_miss(ref["kind"], [*(known.type.kind for known in KINDS if known.is_stage), *declared])
    return f"did you mean {meant}?" if meant else f"declare it by a StageKind in namespace {namespace}"


async def stage_type(store: Store, namespace: str, kind: str) -> ResourceType | None:
    """The resource type of a stage kind, built in or declared by a StageKind."""
    if kind in BY_KIND:
        return BY_KIND[kind].type if BY_KIND[kind].is_stage else None
    declared = await stage_kind(store, namespace, kind)
    return custom_type(declared) if declared else None


def custom_type(stage_kind: Resource) -> ResourceType:
    """The resource type that a StageKind declares."""
    spec = stage_kind["spec"]
    kind = spec["kind"]
    plural = spec.get("plural") or f"{kind.lower()}s"
    return ResourceType(GROUP, VERSION, kind, plural, kind.lower(), categories=("kabanero",))


async def stage_kind(store: Store, namespace: str, kind: str) -> Resource | None:
    """The StageKind about a kind in this namespace, if there is one."""
    selector = Selector(fields=(Requirement("spec.kind", "=", (kind,)),))
    page = await store.list(STAGE_KIND.type, namespace=namespace, selector=selector, recent=True)
    return page.items[0] if page.items else None


async def plan_of(store: Store, namespace: str, ref: dict[str, Any]) -> StagePlan:
    """How a stage is carried out: its own playbook, else its StageKind's, else its kind's. Raises StageUnknownError."""
    try:
        stage = await stage_of(store, namespace, ref)
    except StageUnknownError as error:
        raise StageUnknownError(f"{error} ({await _fix(store, namespace, ref)})") from None
    declared = await stage_kind(store, namespace, ref["kind"])
    kind_spec: dict[str, Any] = declared["spec"] if declared else {}
    own: str = stage["spec"].get("playbook") or ""
    playbook = own or kind_spec.get("playbook") or BUILT_IN_PLAYBOOKS.get(ref["kind"], "")
    controller: Controller = kind_spec.get("controller", "playbook") if not own else "playbook"
    if not playbook and controller == "playbook":
        controller = BUILT_IN_CONTROLLERS.get(ref["kind"], controller)
    if controller == "playbook" and not playbook:
        raise StageUnknownError(
            f"{ref['kind']} {ref['name']} has no playbook; set spec.playbook, or declare a StageKind for "
            f"{ref['kind']} that names one"
        )
    return StagePlan(controller, playbook, stage)


def may_begin_twice(stage: Resource) -> bool:
    """Whether work that may have begun can be begun again: the stage's own word, else what its kind says of itself."""
    said = stage["spec"].get("onInterrupted")
    if not said and stage["kind"] in BY_KIND:
        said = BY_KIND[stage["kind"]].spec.model_fields["on_interrupted"].default
    return bool(said == "Retry")
