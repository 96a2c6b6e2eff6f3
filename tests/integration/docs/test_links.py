"""Every link leads somewhere: to a file of the repository, and to a heading in it."""

from __future__ import annotations

import pytest

from tests.integration.docs.reading import DOCUMENTS, ROOT, anchors, links


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    assert [target for target in links(document) if not _leads(document, target)] == []


def _leads(document, target):
    if target.startswith(("https://", "http://")):
        return True
    path, _, anchor = target.partition("#")
    found = (document.parent / path).resolve() if path else document
    if not found.exists() or not found.is_relative_to(ROOT):
        return False
    return not anchor or anchor in anchors(found)
