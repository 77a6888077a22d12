"""The evidence of a run as data: collected section by section, written, read again and re-established."""
