"""Launches: what a template asks for, what of a launch it takes, ignores or refuses, and the job that comes of it."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.support.awx.answers import RefusalError, invalid
from tests.support.awx.kinds import PROMPTS, WORKFLOW_PROMPTS, Kind
from tests.support.awx.tables import ENCRYPTED, Row, Tables


def variables(text: Any) -> Row:
    """Extra vars as AWX takes them: a map, or text of JSON or YAML."""
    if isinstance(text, str):
        try:
            text = yaml.safe_load(text) or {}
        except yaml.YAMLError:
            text = None
    if not isinstance(text, dict):
        raise invalid(extra_vars="Must be valid JSON or YAML.")
    return text


class Launching:
    """Of job templates and workflow templates."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def asks(self, kind: Kind, row: Row) -> Row:
        """What a GET of `launch` says."""
        prompts = _prompts(kind)
        needed = self._needed(row, {})
        can = not needed and not any(row[ask] for ask in prompts.values())
        said = {
            "can_start_without_user_input": can,
            "survey_enabled": row["survey_enabled"],
            "variables_needed_to_start": [name for name, _ in needed],
            "defaults": {name: row.get(name) for name in prompts},
            f"{kind.type}_data": {"id": row["id"], "name": row["name"], "description": row["description"]},
            **{ask: row[ask] for ask in prompts.values()},
        }
        if kind.type == "job_template":
            missing = row["inventory"] is None and not row["ask_inventory_on_launch"]
            said |= {"passwords_needed_to_start": [], "credential_needed_to_start": False}
            said |= {"inventory_needed_to_start": missing}
        else:
            said |= {"node_templates_missing": [], "node_prompts_rejected": []}
        return said

    def taken(self, kind: Kind, row: Row, body: Row) -> tuple[Row, Row]:
        """What a launch sets, and what of it is ignored. Raises RefusalError."""
        given = variables(body.get("extra_vars") or {})
        accepted, ignored = self._sorted(row, given)
        errors = [f"'{name}' value missing" for name, _ in self._needed(row, given)]
        if errors:
            raise invalid(variables_needed_to_start=errors)
        prompts, taken = _prompts(kind), {"extra_vars": accepted}
        rejected: Row = {"extra_vars": ignored} if ignored else {}
        for name, ask in prompts.items():
            if name == "extra_vars" or body.get(name) is None:
                continue
            (taken if row[ask] else rejected)[name] = body[name]
        self._check(kind, row, taken)
        return taken, rejected

    def _sorted(self, row: Row, given: Row) -> tuple[Row, Row]:
        if row["ask_variables_on_launch"]:
            return given, {}
        asked = {question["variable"] for question in self._survey(row)}
        return {n: v for n, v in given.items() if n in asked}, {n: v for n, v in given.items() if n not in asked}

    def _survey(self, row: Row) -> list[Row]:
        return list((row.get("survey_spec") or {}).get("spec", ())) if row["survey_enabled"] else []

    def _needed(self, row: Row, given: Row) -> list[tuple[str, Row]]:
        asked = [(each["variable"], each) for each in self._survey(row) if each.get("required")]
        return [(name, each) for name, each in asked if name not in given and each.get("default") in (None, "")]

    def _check(self, kind: Kind, row: Row, taken: Row) -> None:
        for name, plural in (("inventory", "inventories"), ("execution_environment", "execution_environments")):
            if taken.get(name) is not None and taken[name] not in self._tables.rows[plural]:
                raise invalid(**{name: f'Invalid pk "{taken[name]}" - object does not exist.'})
        for id in taken.get("credentials", ()):
            if id not in self._tables.rows["credentials"]:
                raise invalid(credentials=f'Invalid pk "{id}" - object does not exist.')
        if kind.type == "job_template":
            if row["project"] not in self._tables.rows["projects"]:
                raise RefusalError(400, {"errors": ["Job Template must provide a 'project' or allow prompting"]})
            if (taken.get("inventory") or row["inventory"]) is None:
                raise invalid(inventory="Job Template 'inventory' is missing or undefined.")

    def variables_of(self, row: Row, taken: Row) -> tuple[Row, str]:
        """The job's variables, and as they are shown: what a survey asks for as a password is hidden."""
        defaults = {
            each["variable"]: each["default"] for each in self._survey(row) if each.get("default") not in (None, "")
        }
        merged = {**variables(row["extra_vars"] or {}), **defaults, **taken["extra_vars"]}
        hidden = {each["variable"] for each in self._survey(row) if each.get("type") == "password"}
        return merged, json.dumps({name: ENCRYPTED if name in hidden else value for name, value in merged.items()})


def _prompts(kind: Kind) -> dict[str, str]:
    return PROMPTS if kind.type == "job_template" else WORKFLOW_PROMPTS


def launch_options(kind: Kind) -> Row:
    """What OPTIONS of `launch` says can be posted."""
    types = {"extra_vars": "json", "verbosity": "integer", "inventory": "id", "credentials": "list"}
    return {name: {"type": types.get(name, "string"), "required": False, "help_text": ""} for name in _prompts(kind)}
