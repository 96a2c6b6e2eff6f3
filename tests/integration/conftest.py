"""Lets tests here import the collection as Ansible does: imported first in another way, it is shut to later tests."""

from __future__ import annotations

from tests.unit.plugins import conftest

__all__ = ["conftest"]
