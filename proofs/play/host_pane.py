"""The host in one generation."""

from textual.widgets import Static

from .drawing import host_lines
from .lane import LaneView


class HostPane(Static):
    """Bars for each node and the host, domains with their claims, builders in flight with their locks."""

    DEFAULT_CSS = """
    HostPane { width: 1fr; height: auto; padding-right: 1; }
    """

    def show(self, view: LaneView, width: int, *, named: bool) -> None:
        """Show the state after a line, in so many columns."""
        self.update(host_lines(view, width, named=named))
