"""How Sphinx draws the site. Copied beside the pages by tools/docsite; run by Sphinx's own environment."""

import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_parts"))
_about = yaml.safe_load((HERE / "galaxy.yml").read_text(encoding="utf-8"))

project = "Kabanero events"
html_title = f"Kabanero events {_about['version']}"
html_short_title = project
version = release = _about["version"]
author = _about["authors"][0]
copyright = author

extensions = ["myst_parser", "sphinx_antsibull_ext", "ansible_links", "diagrams"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_static", "_parts"]
nitpicky = True
default_role = "any"
smartquotes = False

myst_enable_extensions = ["attrs_inline", "deflist", "tasklist"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
myst_url_schemes = ["http", "https", "mailto"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "sidebar_hide_name": False,
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0b5c7d", "color-brand-content": "#0b6e99"},
    "dark_css_variables": {"color-brand-primary": "#5ec1e8", "color-brand-content": "#5ec1e8"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
