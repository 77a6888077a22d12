"""The site of the documents: ``make docs``. Every warning is an error there."""

project = "claimcheck"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
master_doc = "index"
html_theme = "furo"
html_title = "claimcheck: Xen's NUMA memory claims"
html_copy_source = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
exclude_patterns = ["adapters/*.c", "adapters/*.h", "adapters/*.py", "_make"]
