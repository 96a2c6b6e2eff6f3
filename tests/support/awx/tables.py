"""The rows of all kinds, and how one is shown: url, related, summary_fields, and secrets as `$encrypted$`."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from tests.support.awx.answers import invalid, not_found
from tests.support.awx.kinds import BY_PLURAL, UNIFIED, Kind

API = "/api/v2"
ENCRYPTED = "$encrypted$"
HIDDEN = "************"
Row = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Tables:
    """One sequence numbers all rows, so that an id tells jobs of any kind apart, as AWX's unified jobs do."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self.lists: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self._ids = itertools.count(1)

    def all(self, plural: str) -> list[tuple[Kind, Row]]:
        """The rows of one kind, or of all that a unified list is about."""
        plurals = UNIFIED.get(plural, (plural,))
        return [(BY_PLURAL[each], row) for each in plurals for row in self.rows[each].values()]

    def find(self, plural: str, id: int) -> tuple[Kind, Row]:
        for each in UNIFIED.get(plural, (plural,)):
            if id in self.rows[each]:
                return BY_PLURAL[each], self.rows[each][id]
        raise not_found()

    def named(self, plural: str, name: str) -> Row:
        return next(row for row in self.rows[plural].values() if row.get("name", row.get("username")) == name)

    def add(self, plural: str, **fields: Any) -> Row:
        kind = BY_PLURAL[plural]
        row = {**kind.fields, **fields, "id": next(self._ids), "created": now(), "modified": now()}
        row = {name: dict(value) if isinstance(value, dict) else value for name, value in row.items()}
        self._check(kind, row)
        self.rows[plural][row["id"]] = row
        return row

    def change(self, kind: Kind, row: Row, fields: Row) -> None:
        changed = {**row, **fields}
        self._check(kind, changed)
        row.update(changed, modified=now())

    def remove(self, plural: str, id: int) -> None:
        self.find(plural, id)
        del self.rows[plural][id]
        for ids in self.lists.values():
            if id in ids:
                ids.remove(id)

    def _check(self, kind: Kind, row: Row) -> None:
        for name in kind.required:
            if row.get(name) in (None, ""):
                raise invalid(**{name: "This field is required."})
        for name, plural in kind.related.items():
            if row.get(name) is not None and not any(
                row[name] in self.rows[each] for each in UNIFIED.get(plural, (plural,))
            ):
                raise invalid(**{name: f'Invalid pk "{row[name]}" - object does not exist.'})
        if kind.unique and any(row.get(name) for name in kind.unique):
            for other in self.rows[kind.plural].values():
                if other["id"] != row["id"] and all(other.get(name) == row.get(name) for name in kind.unique):
                    names = " and ".join(name.replace("_", " ").capitalize() for name in kind.unique)
                    raise invalid(all_=f"{kind.type.replace('_', ' ').capitalize()} with this {names} already exists.")

    # --- showing ---

    def shown(self, kind: Kind, row: Row, *, leave_out: tuple[str, ...] = ()) -> Row:
        hidden = {"survey_spec", "webhook_key", "password", *leave_out}
        url = f"{API}/{kind.plural}/{row['id']}/"
        head = {
            "id": row["id"],
            "type": kind.type,
            "url": url,
            "related": self._related(kind, row, url),
            "summary_fields": self._summary(kind, row),
        }
        body = {name: value for name, value in row.items() if name not in hidden and not name.startswith("_")}
        return {**head, **body, **self._secrets(kind, row)}

    def _related(self, kind: Kind, row: Row, url: str) -> Row:
        links = {name: f"{url}{name}/" for name in (*kind.lists, *kind.links)}
        for name, plural in kind.related.items():
            if row.get(name) and plural not in UNIFIED:
                links[name] = f"{API}/{plural}/{row[name]}/"
        if "webhook_receiver" in links:
            links["webhook_receiver"] = f"{url}{row['webhook_service']}/" if row["webhook_service"] else ""
        return links

    def _summary(self, kind: Kind, row: Row) -> Row:
        summary: Row = {"user_capabilities": {"edit": True, "delete": True, "start": True}}
        for name, plural in kind.related.items():
            if row.get(name):
                other = next((each for _, each in self.all(plural) if each["id"] == row[name]), None)
                if other:
                    summary[name] = {"id": other["id"], "name": other.get("name", "")}
                    summary[name] |= {field: other[field] for field in ("status", "failed") if field in other}
        if kind.type == "workflow_job_node" and "job" in summary:
            summary["job"]["type"] = "job"
        if "credentials" in kind.lists:
            ids = self.lists[kind.plural, row["id"], "credentials"]
            summary["credentials"] = [{"id": id, "name": self.rows["credentials"][id]["name"]} for id in ids]
        return summary

    def _secrets(self, kind: Kind, row: Row) -> Row:
        if kind.plural == "tokens":
            return {"token": HIDDEN, "refresh_token": HIDDEN if row["refresh_token"] else None}
        if kind.plural == "applications":
            return {"client_secret": HIDDEN} if row["client_type"] == "confidential" else {}
        if kind.plural != "credentials":
            return {}
        declared = self.rows["credential_types"][row["credential_type"]]["inputs"].get("fields", ())
        secret = {field["id"] for field in declared if field.get("secret")}
        return {"inputs": {name: ENCRYPTED if name in secret else value for name, value in row["inputs"].items()}}
