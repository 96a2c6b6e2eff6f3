"""What `kabanero lint` finds in files: repairs, broken rules of kinds, mistakes of strategies and what starts them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kabanero.cli.manifests import Json, Manifest, Place, Reading
from kabanero.cli.session import DEFAULT_NAMESPACE
from kabanero.engine.verify import Finding, Severity, verify, verify_run, verify_trigger
from kabanero.model.errors import Problem
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.nearmiss import did_you_mean
from kabanero.model.resource import API_VERSION

_LAST_STEP = re.compile(r"(\.[^.\[\]]+|\[[^\[\]]*\])$")
_STARTERS = {"StrategyTrigger": verify_trigger, "StrategyRun": verify_run}


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say about a place in a file. `severity` is the finding's, or note. `resource`: "" for none."""

    place: Place
    resource: str
    severity: str
    finding: Finding

    def as_json(self) -> Json:
        """For `-o json`."""
        where = {"file": self.place.file, "line": self.place.line, "resource": self.resource}
        return {**where, **self.finding.as_json(), "severity": self.severity}


class Elsewhere(Protocol):
    """Looks up what is not in the files."""

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """The resource of that kind and name, if there is one."""

    def stage_kinds(self, namespace: str) -> Sequence[Json]:
        """All StageKinds."""


@dataclass
class Linter:
    """All that was read together, by namespace, kind and name. `elsewhere` None: the files are all that is known.

    `project`: the folder in which the runner looks for playbooks, where it is known.
    """

    reading: Reading
    elsewhere: Elsewhere | None = None
    namespace: str = DEFAULT_NAMESPACE
    project: Path | None = None
    _known: dict[tuple[str, str, str], Json] = field(default_factory=dict)
    _kinds: dict[str, dict[str, Json]] = field(default_factory=dict)

    def remarks(self) -> list[Remark]:
        """Everything there is to say, in the order of the files and lines."""
        twice = list(self._take_in())
        said = [*self._of_text(), *twice, *(each for manifest in self.reading for each in self._of(manifest))]
        files = list(dict.fromkeys(manifest.place.file for manifest in self.reading))
        order = {file: number for number, file in enumerate(files)}
        return sorted(said, key=lambda each: (order.get(each.place.file, -1), each.place.file, each.place.line))

    def _of_text(self) -> Iterator[Remark]:
        for place, repair in self.reading.repairs:
            yield Remark(place, "", "note", Finding("warning", "repair", "", repair.what, repair.reason))
        for place, problem in self.reading.problems:
            yield _invalid(place, "", problem)

    def _take_in(self) -> Iterator[Remark]:
        """Files every resource under its name; of two of one name the first is kept."""
        places: dict[tuple[str, str, str], Place] = {}
        for manifest in self.reading:
            key = self._key(manifest)
            if key in places and key[2]:
                reason, fix = (
                    f"is described twice; the other is {places[key]}",
                    "remove one of the two",
                )
                finding = Finding("error", "described-twice", "", reason, fix)
                yield Remark(manifest.place, manifest.label, finding.severity, finding)
                continue
            places[key] = manifest.place
            self._keep(key, manifest)

    def _keep(self, key: tuple[str, str, str], manifest: Manifest) -> None:
        # What is broken is there all the same: what refers to it is not to blame.
        resource = manifest.resource
        self._known[key] = {**resource, "spec": {}} if manifest.problems else resource
        if key[1] == "StageKind" and not manifest.problems:
            self._kinds.setdefault(key[0], {})[resource["spec"]["kind"]] = resource

    def _key(self, manifest: Manifest) -> tuple[str, str, str]:
        metadata = manifest.resource.get("metadata")
        about: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
        kind, name = str(manifest.resource.get("kind")), about.get("name") or ""
        return str(about.get("namespace") or self.namespace), kind, str(name)

    def _of(self, manifest: Manifest) -> Iterator[Remark]:
        if manifest.problems:
            yield from (_invalid(place, manifest.label, problem) for place, problem in manifest.problems)
            return
        for finding in [*self._findings(manifest), *self._of_playbook(manifest)]:
            yield Remark(_place(manifest, finding.place), manifest.label, finding.severity, finding)

    def _findings(self, manifest: Manifest) -> list[Finding]:
        namespace, kind, name = self._key(manifest)
        if kind == "StrategyDefinition":
            stages, kinds = self._stages(namespace, manifest.resource), self._all_kinds(namespace)
            triggers = [each for each in self._of_kind(namespace, "StrategyTrigger") if _starts(each, name)]
            complete = self.elsewhere is not None
            return verify(manifest.resource, stages, kinds=kinds, triggers=triggers, complete=complete)
        if kind in _STARTERS:
            return self._of_starter(manifest, namespace, kind)
        return []

    def _of_playbook(self, manifest: Manifest) -> Iterator[Finding]:
        """A stage, or a kind of stages, may name a playbook by its path."""
        named = (manifest.resource.get("spec") or {}).get("playbook")
        if self.project is None or not isinstance(named, str):
            return
        from kabanero.executors.ansible.playbooks import objection_to

        if objection := objection_to(named, self.project):
            yield Finding("error", "no-playbook", "spec.playbook", objection.message)

    def _of_starter(self, manifest: Manifest, namespace: str, kind: str) -> list[Finding]:
        name = manifest.resource["spec"]["strategy"]
        definition = self._find(namespace, "StrategyDefinition", name)
        if definition is None:
            alone = verify_trigger(manifest.resource, None, {}) if kind == "StrategyTrigger" else []
            return [self._no_strategy(namespace, name), *alone]
        if not definition.get("spec"):
            return []
        return _STARTERS[kind](manifest.resource, definition, self._stages(namespace, definition))

    def _no_strategy(self, namespace: str, name: str) -> Finding:
        names = [each["metadata"]["name"] for each in self._of_kind(namespace, "StrategyDefinition")]
        fix = did_you_mean(name, names) or f"apply a StrategyDefinition named {name} in {namespace}"
        where = "" if self.elsewhere else " in these files"
        severity: Severity = "error" if self.elsewhere else "warning"
        reason = f"there is no StrategyDefinition {name}{where}"
        return Finding(severity, "missing-strategy", "spec.strategy", reason, fix)

    def _of_kind(self, namespace: str, kind: str) -> list[Json]:
        return [each for key, each in self._known.items() if key[:2] == (namespace, kind)]

    def _stages(self, namespace: str, definition: Json) -> dict[tuple[str, str], Json]:
        """All stages of the namespace that are known, and those that the definition names."""
        for binding in definition["spec"].get("stageBindings") or ():
            self._find(namespace, binding["stageRef"]["kind"], binding["stageRef"]["name"])
        own = {key[1:]: each for key, each in self._known.items() if key[0] == namespace}
        return {key: each for key, each in own.items() if _is_stage(each)}

    def _all_kinds(self, namespace: str) -> dict[str, Json]:
        there = self.elsewhere.stage_kinds(namespace) if self.elsewhere else ()
        return {**{each["spec"]["kind"]: each for each in there}, **self._kinds.get(namespace, {})}

    def _find(self, namespace: str, kind: str, name: str) -> Json | None:
        key = (namespace, kind, name)
        if key not in self._known and self.elsewhere and (found := self.elsewhere.get(kind, namespace, name)):
            self._known[key] = found
        return self._known.get(key)


def _invalid(place: Place, resource: str, problem: Problem) -> Remark:
    finding = Finding("error", "invalid", problem.path, problem.reason, problem.fix)
    return Remark(place, resource, finding.severity, finding)


def _starts(trigger: Json, strategy: str) -> bool:
    return bool(trigger.get("spec", {}).get("strategy") == strategy)


def _is_stage(resource: Json) -> bool:
    """A stage of a built-in kind, or of a kind of our group that a StageKind may declare."""
    kind = BY_KIND.get(str(resource.get("kind")))
    return kind.is_stage if kind else resource.get("apiVersion") == API_VERSION


def _place(manifest: Manifest, path: str) -> Place:
    """The line of a field, or of the nearest field around it."""
    while path and path not in manifest.lines:
        shorter = _LAST_STEP.sub("", path)
        path = shorter if shorter != path else ""
    return manifest.lines.get(path, manifest.place)
