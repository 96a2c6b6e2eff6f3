"""The patches that the API takes: merge (RFC 7386), JSON (RFC 6902) and, for core kinds, kubectl's strategic merge.

Pure functions: what is given in stays as it is. Errors are ApiErrors that name the operation at fault.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import orjson

from kabanero.api.status import ApiError, bad_request, failure

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
SERVER_SIDE_APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")
MAX_OPERATIONS = 10_000
MAX_COPIED = 3 * 1024 * 1024
# Lists that a strategic patch merges by key instead of replacing them; only these lie in the kinds that we serve.
_MERGE_KEYS = {"ownerReferences": "uid"}
_SET_LISTS = {"finalizers"}


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: Any) -> Any:
    """Kubernetes' strategic merge, as far as core kinds without lists of objects of their own need it."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        _strategic_field(result, key, value)
    return result


def _strategic_field(result: dict[str, Any], key: str, value: Any) -> None:
    if key.startswith("$deleteFromPrimitiveList/"):
        name = key.partition("/")[2]
        result[name] = [entry for entry in result.get(name) or [] if entry not in value]
    elif key.startswith("$"):
        return
    elif value is None:
        result.pop(key, None)
    elif key in _SET_LISTS and isinstance(value, list):
        old = result.get(key) or []
        result[key] = [*old, *(entry for entry in value if entry not in old)]
    elif key in _MERGE_KEYS and isinstance(value, list):
        result[key] = _merge_by_key(result.get(key) or [], value, _MERGE_KEYS[key])
    else:
        result[key] = strategic(result.get(key), value)


def _merge_by_key(old: list[Any], new: list[Any], key: str) -> list[Any]:
    entries = {entry.get(key): entry for entry in old if isinstance(entry, dict)}
    for entry in new:
        if not isinstance(entry, dict):
            raise bad_request(f"the patch's list entries must be objects with {key}")
        if entry.get("$patch") == "delete":
            entries.pop(entry.get(key), None)
        else:
            entries[entry.get(key)] = strategic(entries.get(entry.get(key)), entry)
    return list(entries.values())


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902. Raises ApiError 400 for a patch that can't be read, 422 for one that doesn't fit the resource."""
    if not isinstance(operations, list) or len(operations) > MAX_OPERATIONS:
        raise bad_request(f"a JSON patch is a list of at most {MAX_OPERATIONS} operations")
    patched = _Patched(copy.deepcopy(target))
    for index, operation in enumerate(operations):
        if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
            raise bad_request(f"operation {index} of the JSON patch has no op")
        try:
            patched.document = patched.after(operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise _unfit(operation, index, str(error)) from error
    return patched.document


class _Patched:
    """A document on its way through a JSON patch. Copies are counted: a few of them could double it without end."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.copied = 0

    def after(self, operation: dict[str, Any]) -> Any:
        """The document after one more operation."""
        path = _pointer(operation["path"])
        match operation["op"]:
            case "add":
                return _add(self.document, path, operation["value"])
            case "replace":
                rest = _remove(self.document, path) if path else None
                return _add(rest, path, operation["value"])
            case "remove":
                return _remove(self.document, path)
            case "copy":
                return _add(self.document, path, self._copy(_pointer(operation["from"])))
            case "move":
                return _move(self.document, _pointer(operation["from"]), path)
            case "test":
                return _test(self.document, path, operation["value"])
        raise ValueError("op must be add, remove, replace, move, copy or test")

    def _copy(self, source: Sequence[str]) -> Any:
        text = orjson.dumps(_get(self.document, source))
        self.copied += len(text)
        if self.copied > MAX_COPIED:
            raise ValueError(f"the patch copies more than {MAX_COPIED} bytes")
        return orjson.loads(text)


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise ValueError("a path starts with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _get(document: Any, path: Sequence[str]) -> Any:
    for part in path:
        document = document[_index(document, part)]
    return document


def _index(container: Any, part: str, *, end: bool = False) -> Any:
    if isinstance(container, dict):
        return part
    if not isinstance(container, list):
        raise TypeError(f"nothing can be at {part!r}")
    if end and part == "-":
        return len(container)
    if not part.isascii() or not part.isdigit() or (len(part) > 1 and part[0] == "0") or len(part) > 9:
        raise ValueError(f"{part!r} is no index of a list")
    if int(part) > len(container) - (0 if end else 1):
        raise IndexError(f"index {part} is past the end of the list")
    return int(part)


def _add(document: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    parent = _get(document, path[:-1])
    place = _index(parent, path[-1], end=True)
    if isinstance(parent, list):
        parent.insert(place, value)
    else:
        parent[place] = value
    return document


def _remove(document: Any, path: Sequence[str]) -> Any:
    if not path:
        raise ValueError("the whole resource can't be removed")
    parent = _get(document, path[:-1])
    del parent[_index(parent, path[-1])]
    return document


def _move(document: Any, source: Sequence[str], path: Sequence[str]) -> Any:
    if list(path[: len(source)]) == list(source) and len(path) > len(source):
        raise ValueError("a value can't be moved into itself")
    value = _get(document, source)
    return _add(_remove(document, source), path, value)


def _test(document: Any, path: Sequence[str], value: Any) -> Any:
    if _get(document, path) != value:
        raise ValueError("the test failed: the value is another")
    return document


def _unfit(operation: dict[str, Any], index: int, reason: str) -> ApiError:
    where = f"operation {index} ({operation['op']} {operation.get('path', '')})"
    return failure(422, "Invalid", f"the server rejected our request due to an error in our request: {where}: {reason}")
