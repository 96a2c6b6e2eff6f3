"""What form of an answer a client wants, from its Accept header: objects, tables, or only metadata.

Source: Kubernetes documentation, "Kubernetes API Concepts" (receiving resources as tables, metadata-only fetches,
aggregated discovery).
"""

from __future__ import annotations

import enum
from functools import lru_cache

from kabanero.api.status import failure


class Form(enum.StrEnum):
    """The forms that resources can be answered in."""

    OBJECT = "Object"
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    DISCOVERY = "APIGroupDiscoveryList"


DISCOVERY_TYPE = b"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_JSON_TYPES = frozenset({"application/json", "application/*", "*/*", "text/html"})
_FORMS: dict[tuple[str, str], dict[str, Form]] = {
    ("meta.k8s.io", "v1"): {
        "Table": Form.TABLE,
        "PartialObjectMetadata": Form.METADATA,
        "PartialObjectMetadataList": Form.METADATA,
    },
    ("apidiscovery.k8s.io", "v2"): {"APIGroupDiscoveryList": Form.DISCOVERY},
}


@lru_cache(maxsize=256)
def wanted_form(accept: str) -> Form:
    """The first form of the header that we have. Raises ApiError 406 when it names none."""
    if not accept:
        return Form.OBJECT
    for choice in accept.split(","):
        media, *parameters = (part.strip() for part in choice.split(";"))
        if media in _JSON_TYPES and (form := _form(parameters)):
            return form
    raise failure(406, "NotAcceptable", "only application/json is served")


def _form(parameters: list[str]) -> Form | None:
    given = dict(parameter.partition("=")[::2] for parameter in parameters)
    if "as" not in given:
        return Form.OBJECT
    return _FORMS.get((given.get("g", ""), given.get("v", "")), {}).get(given["as"])
