"""The documentation as a site: sphinx-build -W docs docs/_build/html. It asks nothing of the network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extension"), str(HERE.parent)]

import bayescompare  # noqa: E402  # the checkout that this file is in

project = "bayescompare"
author = "The bayescompare developers"
project_copyright = author
version = release = bayescompare.__version__
language = "en"
# what is typed has straight quotes
smartquotes = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated", "inline_svg", "notebook_pages"]
exclude_patterns = ["_build", "_extension"]
myst_heading_anchors = 4
# a name in single backticks is a name of Python
default_role = "py:obj"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"bayescompare {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["palette.css", "site.css"]
