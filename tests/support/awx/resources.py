"""Lists and details of all kinds, and the lists that hang below one: read, made, changed, attached and detached."""

from __future__ import annotations

import secrets
from typing import Any

from tests.support.awx.answers import RefusalError, invalid, not_allowed, unparsable
from tests.support.awx.kinds import BY_PLURAL, UNIFIED, Kind
from tests.support.awx.queries import ordered, page, selected
from tests.support.awx.tables import Row, Tables

Query = list[tuple[str, str]]
ACTIVE = ("new", "pending", "waiting", "running")
MAKERS = ("job_template", "credential", "project")


class Resources:
    """`slim_lists`: lists of jobs leave out extra_vars and artifacts unless asked for, as in newer versions."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.slim_lists = False

    def listed(self, plural: str, path: str, query: Query, *, only: set[int] | None = None) -> Row:
        found = [each for each in self._tables.all(plural) if only is None or each[1]["id"] in only]
        include = {part for name, value in query if name == "include" and self.slim_lists for part in value.split(",")}
        query_kept = [(name, value) for name, value in query if not (name == "include" and self.slim_lists)]
        kinds = [BY_PLURAL[each] for each in UNIFIED.get(plural, (plural,))]
        known = {name for kind in kinds for name in (*kind.fields, "id", "created", "modified")}
        if not found:  # A wrong filter is wrong on an empty list, too.
            selected(
                [(kinds[0], {**dict.fromkeys(known), **kinds[0].fields, "id": 0})], query_kept, {"*": known}, self._name
            )
        found = selected(found, query_kept, {"*": known} if len(kinds) > 1 else {}, self._name)
        by = dict(query).get("order_by", "id")
        leave_out = tuple({"extra_vars", "artifacts"} - include) if self.slim_lists else ()
        shown = [self._shown_in_list(kind, row, leave_out) for kind, row in ordered(found, by)]
        return page(shown, path, query_kept)

    def _name(self, plural: str, id: Any) -> str:
        return next((row.get("name", "") for _, row in self._tables.all(plural) if row["id"] == id), "")

    def _shown_in_list(self, kind: Kind, row: Row, leave_out: tuple[str, ...]) -> Row:
        if kind.plural not in UNIFIED["unified_jobs"]:
            return self._tables.shown(kind, row)
        never = ("job_args", "job_cwd", "job_env", "result_traceback", "event_processing_finished")
        return self._tables.shown(kind, row, leave_out=(*never, *leave_out))

    def make(self, plural: str, body: Row, **more: Any) -> Row:
        kind = BY_PLURAL.get(plural)
        if kind is None or kind.read_only:
            raise not_allowed("POST")
        fields = {**self._known(kind, body), **more}
        for name in kind.required:
            if fields.get(name) in (None, ""):
                raise invalid(**{name: "This field is required."})
        return self._tables.add(plural, **self._defaulted(kind, fields))

    def _known(self, kind: Kind, body: Any) -> Row:
        if not isinstance(body, dict):
            raise unparsable("JSON parse error - not a JSON object")
        return {name: value for name, value in body.items() if name in kind.fields}

    def _defaulted(self, kind: Kind, fields: Row) -> Row:
        project = fields.get("project")
        if kind.type == "job_template" and project in self._tables.rows["projects"]:
            fields["organization"] = self._tables.rows["projects"][project]["organization"]
        if kind.type == "o_auth2_application" and not fields.get("client_id"):
            fields["client_id"] = secrets.token_urlsafe(30)
            if fields.get("client_type") == "confidential":
                fields["client_secret"] = secrets.token_urlsafe(96)
        if kind.type == "workflow_job_template_node" and not fields.get("identifier"):
            fields["identifier"] = f"node-{len(self._tables.rows[kind.plural]) + 1}"
        return fields

    def change(self, plural: str, id: int, body: Row) -> Row:
        kind, row = self._tables.find(plural, id)
        if kind.read_only:
            raise not_allowed("PATCH")
        fields = self._known(kind, body)
        if kind.type == "credential" and "inputs" in fields:
            kept = {name: row["inputs"].get(name) for name, value in fields["inputs"].items() if value == "$encrypted$"}
            fields["inputs"] = {**fields["inputs"], **kept}
        self._tables.change(kind, row, self._defaulted(kind, fields))
        return self._tables.shown(kind, row)

    def remove(self, plural: str, id: int) -> None:
        kind, row = self._tables.find(plural, id)
        if row.get("status") in ACTIVE:
            raise RefusalError(409, {"error": "Cannot delete running job resource."})
        self._tables.remove(kind.plural, id)

    # --- lists below one ---

    def below(self, plural: str, id: int, name: str, path: str, query: Query) -> Row:
        kind, row = self._tables.find(plural, id)
        if name in kind.lists:
            return self.listed(
                kind.lists[name] or name, path, query, only=set(self._tables.lists[kind.plural, id, name])
            )
        target, only = self._rows_below(kind, row, name)
        return self.listed(target, path, query, only=only)

    def _rows_below(self, kind: Kind, row: Row, name: str) -> tuple[str, set[int]]:
        id, rows = row["id"], self._tables.rows
        match (kind.type, name):
            case ("job_template", "jobs"):
                return "jobs", {each["id"] for each in rows["jobs"].values() if each["job_template"] == id}
            case ("job_template", "slice_workflow_jobs"):
                return "workflow_jobs", {
                    each["id"] for each in rows["workflow_jobs"].values() if each["job_template"] == id
                }
            case ("workflow_job_template", "workflow_jobs"):
                jobs = rows["workflow_jobs"].values()
                return "workflow_jobs", {each["id"] for each in jobs if each["workflow_job_template"] == id}
            case ("workflow_job_template", "workflow_nodes"):
                nodes = rows["workflow_job_template_nodes"].values()
                return "workflow_job_template_nodes", {
                    each["id"] for each in nodes if each["workflow_job_template"] == id
                }
            case ("workflow_job", "workflow_nodes"):
                nodes = rows["workflow_job_nodes"].values()
                return "workflow_job_nodes", {each["id"] for each in nodes if each["workflow_job"] == id}
            case ("job", "job_events"):
                return "job_events", {each["id"] for each in rows["job_events"].values() if each["job"] == id}
        raise RefusalError(404, {"detail": "The requested resource could not be found."})

    def attach(self, plural: str, id: int, name: str, body: Row) -> Row | None:
        """Adds one that is there, takes one away (`disassociate`), or makes a new one in the list."""
        kind, _ = self._tables.find(plural, id)
        if name not in kind.lists:
            raise not_allowed("POST")
        if "id" not in body:
            made = self.make(kind.lists[name], body)
            self._tables.lists[kind.plural, id, name].append(made["id"])
            return self._tables.shown(BY_PLURAL[kind.lists[name]], made)
        there = self._tables.lists[kind.plural, id, name]
        if body.get("disassociate"):
            if body["id"] in there:
                there.remove(body["id"])
            return None
        self._attachable(kind, name, body["id"], there)
        if body["id"] not in there:
            there.append(body["id"])
        return None

    def _attachable(self, kind: Kind, name: str, id: int, there: list[int]) -> None:
        self._tables.find(kind.lists[name], id)
        if name != "credentials":
            return
        types = {each: self._tables.rows["credentials"][each]["credential_type"] for each in (*there, id)}
        if any(types[each] == types[id] for each in there if each != id):
            display = self._tables.rows["credential_types"][types[id]]["name"]
            raise RefusalError(400, {"error": f"Cannot assign multiple {display} credentials."})

    def options(self, plural: str) -> Row:
        """What a client may send, by field."""
        kind = BY_PLURAL[UNIFIED.get(plural, (plural,))[0]]
        described = {name: self._option(kind, name, default) for name, default in kind.fields.items()}
        actions = {"GET": described} | ({} if kind.read_only else {"POST": described})
        return {"name": kind.plural.replace("_", " ").title(), "actions": actions, "types": [kind.type]}

    @staticmethod
    def _option(kind: Kind, name: str, default: Any) -> Row:
        types = {bool: "boolean", int: "integer", float: "float", dict: "json"}
        type = "id" if name in kind.related else types.get(default.__class__, "string")
        return {"type": type, "required": name in kind.required, "label": name, "help_text": "", "filterable": True}
