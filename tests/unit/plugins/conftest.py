"""Makes `ansible_collections.kabanero.events` importable, as Ansible itself does; under ansible-test it is already."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

if not any(isinstance(each, _AnsibleCollectionFinder) for each in sys.meta_path):
    from tests.support.collection import collections_path

    _TREE = tempfile.TemporaryDirectory()
    _AnsibleCollectionFinder([str(collections_path(Path(_TREE.name)))])._install()
