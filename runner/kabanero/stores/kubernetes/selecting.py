"""Splits a selector into what the API server can select by and what is left for us. Pure; used by reads and watches.

The server knows labels, name and namespace, and of fields those that the kind's definition lists as selectable; it can
compare fields for equality only.
"""

from __future__ import annotations

from collections.abc import Mapping

from kabanero.model.resource import ResourceType
from kabanero.model.selectors import Requirement, Selector


def split(type: ResourceType, selector: Selector) -> tuple[Mapping[str, str], Selector]:
    """Query parameters for the server, and the clauses that it can't take."""
    known = {"metadata.name", *type.selectable} | ({"metadata.namespace"} if type.namespaced else set())
    theirs = [clause for clause in selector.fields if clause.key in known and clause.operator in ("=", "!=")]
    ours = tuple(clause for clause in selector.fields if clause not in theirs)
    query = {
        "labelSelector": ",".join(map(_label_clause, selector.labels)),
        "fieldSelector": ",".join(map(_field_clause, theirs)),
    }
    return query, Selector(fields=ours)


def _label_clause(clause: Requirement) -> str:
    match clause.operator:
        case "exists":
            return clause.key
        case "absent":
            return f"!{clause.key}"
        case "in" | "notin":
            return f"{clause.key} {clause.operator} ({','.join(clause.values)})"
        case _:
            return f"{clause.key}{clause.operator}{clause.values[0]}"


def _field_clause(clause: Requirement) -> str:
    value = clause.values[0].replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
    return f"{clause.key}{clause.operator}{value}"
