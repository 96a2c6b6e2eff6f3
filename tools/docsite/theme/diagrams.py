"""Draws Mermaid diagrams into the pages when they are built, so that a reader needs neither network nor JavaScript."""

from __future__ import annotations

from typing import Any, ClassVar

import mmdr
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

_LOOK = '%%{init: {"theme": "neutral"}}%%\n'


class Diagram(SphinxDirective):
    """The content of a `mermaid` fence as SVG."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """The drawing; what can't be drawn is a warning at its line, and so an error of the build."""
        source = _LOOK + "\n".join(self.content)
        try:
            svg = mmdr.render(source).svg()
        except Exception as error:
            raise self.error(f"the diagram can't be drawn: {error}") from error
        # Several drawings of one page would share the styles of the first.
        svg = svg.replace("merman", f"diagram-{self.env.new_serialno('diagram')}")
        html = f'<div class="diagram" role="img">{svg}</div>'
        return [nodes.raw("", html, format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Registers the directive."""
    app.add_directive("mermaid", Diagram)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
