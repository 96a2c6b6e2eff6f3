"""Kubernetes' rules for names and labels, and the legal name nearest to an illegal one.

Source of the rules: Kubernetes documentation, "Object Names and IDs" and "Labels and Selectors" (RFC 1123).
"""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LONGEST_LABEL = 63
_LONGEST_SUBDOMAIN = 253


def is_label(name: str) -> bool:
    """An RFC 1123 label: lower-case letters, digits and `-`, at most 63; what a namespace is called."""
    return len(name) <= _LONGEST_LABEL and _LABEL.fullmatch(name) is not None


def is_subdomain(name: str) -> bool:
    """An RFC 1123 subdomain: labels with dots between, at most 253; what most resources are called."""
    return len(name) <= _LONGEST_SUBDOMAIN and _SUBDOMAIN.fullmatch(name) is not None


def is_label_value(value: str) -> bool:
    """What a label may hold: empty, or at most 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends."""
    return not value or (len(value) <= _LONGEST_LABEL and _QUALIFIED.fullmatch(value) is not None)


def is_label_key(key: str) -> bool:
    """A label's or annotation's key: `[subdomain/]name`."""
    prefix, slash, name = key.rpartition("/")
    return (not slash or is_subdomain(prefix)) and bool(name) and is_label_value(name)


def legal_name(name: str, *, dots: bool = True) -> str:
    """The RFC 1123 name nearest to `name`: `Appsody_Build` becomes `appsody-build`. May be empty."""
    if is_subdomain(name) if dots else is_label(name):
        return name
    longest = _LONGEST_SUBDOMAIN if dots else _LONGEST_LABEL
    kept = re.sub(r"[^a-z0-9.]+" if dots else r"[^a-z0-9]+", "-", name[: longest * 2].lower())
    parts = (part.strip("-") for part in kept.split("."))
    return ".".join(part for part in parts if part)[:longest].rstrip("-.")
