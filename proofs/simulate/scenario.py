"""What a scenario is: a host, its running domains and the builds to come, as a short TOML file says them.

Sizes are written as in ``"2GiB"`` and become pages of 4 KiB. Every field is validated where it is read; an error names
the file, the line and the field.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from proofs.simulate.lines import field_of, instead, line_of
from reference.constants import DOMID_FIRST_RESERVED, MAX_NUMNODES

PAGE_BYTES = 4096
ORDERS = {"4KiB": 0, "2MiB": 9, "1GiB": 18}
"""The sizes of extents that builders ask for, as orders."""
RUNS_OF_HOST = 1 << 15
"""A host is at most so many runs of small extents."""
LARGEST_RUN = 64
"""Pages. A block of 2 MiB is then free only where eight neighbouring runs are."""
BUILT_IN = Path(__file__).parent / "scenarios"

_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
Count = Annotated[int, Meta(ge=0)]
Several = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


class ScenarioError(Exception):
    """A scenario that cannot be read; the message is one line with file, line and field."""


class MemorySize(int):
    """An amount of memory in pages."""


class ScenarioHost(Struct, forbid_unknown_fields=True):
    """The host: so many nodes of the same size."""

    nodes: Annotated[int, Meta(ge=1, le=MAX_NUMNODES)]
    """Nodes of the same size."""
    node_memory: MemorySize
    """Memory of each, as in "16GiB"."""


class ControlDomain(Struct, forbid_unknown_fields=True):
    """Domain 0: it holds `memory` from boot on, in extents of 4 KiB, evenly on the nodes."""

    memory: MemorySize = MemorySize(0)
    """Domain 0 holds this from boot on."""
    gives_down_to: MemorySize | None = None
    """On request (`builds.ask_then_start`) it balloons down as far as this; not set: it gives none."""

    def __post_init__(self) -> None:
        if self.gives_down_to is not None and self.gives_down_to > self.memory:
            raise ValueError("dom0.gives_down_to is above dom0.memory")


class BallooningDomains(Struct, forbid_unknown_fields=True):
    """Domains that run all the while and balloon up and down between two sizes, an extent at a time.

    They begin as ballooned down: they have had `grows_to` and gave back extents here and there until `memory`. On hosts
    where `Scenario.run_of` is above 1, they move that many pages at a time.
    """

    count: Count = 0
    """Domains that run all the while."""
    memory: MemorySize = MemorySize(0)
    """Each begins with this, and does not balloon below it."""
    grows_to: MemorySize = MemorySize(0)
    """Each balloons up to this; it had it once, so that its memory has holes."""
    extents: Literal["4KiB", "2MiB"] = "4KiB"
    """What it allocates or frees at a time; on large hosts a run of these."""
    share_of_steps: Share = 0.2
    """Of all critical sections that are begun, how many are theirs."""

    def __post_init__(self) -> None:
        if self.grows_to < self.memory:
            raise ValueError("running.grows_to is below running.memory")


class Builds(Struct, forbid_unknown_fields=True):
    """Domains to build; `parallel` of them at a time (0: all at once)."""

    count: Several
    """Domains to build."""
    memory: Annotated[list[MemorySize], Meta(min_length=1)]
    """Each build draws one of these sizes."""
    parallel: Count = 0
    """So many at a time; 0: all at once."""
    nodes_wanted: Annotated[int, Meta(ge=0, le=MAX_NUMNODES)] = 1
    """An equal part on each of so many nodes, those with most unclaimed memory when the build begins; 0: anywhere."""
    largest_extents: Literal["4KiB", "2MiB", "1GiB"] = "1GiB"
    """Where one of these is refused, that part is requested in the next smaller ones."""
    legacy_share: Share = 0.0
    """How many of the builders know only the legacy call, whatever the others use."""
    no_claim_share: Share = 0.0
    """How many of the builders claim nothing, whatever the others use."""
    fallback: Literal["none", "host-wide"] | None = None
    """After a claim on nodes that gets ENOMEM: nothing, or a host-wide claim. Not set: as the policy does."""
    incoming_share: Share = 0.0
    """How many of the builds are incoming migrations: they are populated in 4 KiB extents."""
    overhead: MemorySize = MemorySize(0)
    """Memory that the hypervisor takes for the domain in addition to its pages, before the claim."""
    late_overhead: MemorySize = MemorySize(0)
    """The same, after the domain is populated and before the claim is dropped."""
    ask_then_start: bool = False
    """If less is free than the build needs, it requests the rest from `dom0` and the running domains, and waits."""
    populate_preempted: Share = 0.0
    """How many of the 2 MiB and 1 GiB extents are preempted while they are scrubbed, and so stashed."""
    preempted_then_smaller: Share = 0.0
    """After how many of these the builder continues with smaller extents, so that the stash is dropped."""
    attempts: Several = 1
    """How often a build that fails at its claim or half-way is tried again after other builds ended."""
    lives_for: Count = 0
    """A domain shuts down after so many further builds have ended; 0: never."""

    def __post_init__(self) -> None:
        if self.preempted_then_smaller and not self.populate_preempted:
            raise ValueError("builds.preempted_then_smaller has no effect without builds.populate_preempted")
        if self.populate_preempted and self.largest_extents == "4KiB":
            raise ValueError("builds.populate_preempted has no effect: only extents of 2 MiB and more are preempted")
        if self.legacy_share + self.no_claim_share > 1:
            raise ValueError("builds.no_claim_share and builds.legacy_share together are above 1")


class Scenario(Struct, forbid_unknown_fields=True):
    """A host, what runs on it, and what is to be built."""

    name: str
    """As it stands in tables."""
    about: str
    """One sentence."""
    host: ScenarioHost
    builds: Builds
    running: BallooningDomains = msgspec.field(default_factory=BallooningDomains)
    dom0: ControlDomain = msgspec.field(default_factory=ControlDomain)
    pages_offlined_per_build: Count = 0
    """Pages anywhere that go offline when a build ends."""

    def __post_init__(self) -> None:
        if self.builds.count * self.builds.attempts + self.running.count + 1 >= DOMID_FIRST_RESERVED:
            raise ValueError(
                "builds.count (times builds.attempts) and running.count need more than"
                f" {DOMID_FIRST_RESERVED - 2} domain ids"
            )
        host = self.host.nodes * self.host.node_memory
        if self.running.count * self.running.grows_to > host:
            raise ValueError("running.grows_to of all running domains together does not fit the host")
        if self.running.count * self.running.grows_to + self.dom0.memory > host:
            raise ValueError("dom0.memory and running.grows_to of all running domains together do not fit the host")
        if self.builds.nodes_wanted > self.host.nodes:
            raise ValueError("builds.nodes_wanted is more than host.nodes")
        gives = self.dom0.gives_down_to is not None
        if gives and not self.builds.ask_then_start:
            raise ValueError("dom0.gives_down_to has no effect without builds.ask_then_start")
        if self.builds.ask_then_start and not gives and not self.running.count:
            raise ValueError("builds.ask_then_start has nobody to ask: it needs dom0.gives_down_to or running.count")

    @property
    def run_of(self) -> int:
        """Pages of small extents that are one step: 1 on hosts below 256 MiB, more on larger ones, at most 64."""
        run = self.host.nodes * self.host.node_memory // RUNS_OF_HOST
        return 1 << min(run.bit_length() - 1, LARGEST_RUN.bit_length() - 1) if run else 1

    def fields_set(self) -> set[str]:
        """The fields of the builds that do not have their defaults, as `builds.fallback`."""
        default = Builds(count=1, memory=[MemorySize(1)])
        names = Builds.__struct_fields__
        return {f"builds.{name}" for name in names if getattr(self.builds, name) != getattr(default, name)}


def pages(text: str) -> MemorySize:
    """The pages of a size as it is written.

    :raises ValueError: it is none, or no whole number of pages
    """
    match = re.fullmatch(r"(\d+)\s*(KiB|MiB|GiB|TiB)", text)
    if match is None:
        raise ValueError(f"a size is written as in '2GiB' (KiB, MiB, GiB, TiB), not {text!r}")
    found, rest = divmod(int(match[1]) * _UNITS[match[2]], PAGE_BYTES)
    if rest:
        raise ValueError(f"{text!r} is no whole number of 4 KiB pages")
    return MemorySize(found)


def _decoded(kind: type, value: Any) -> Any:
    if kind is not MemorySize:
        raise NotImplementedError(kind)
    if not isinstance(value, str):
        raise ValueError(f"a size is written as in '2GiB', not {value!r}")  # noqa: TRY004  # msgspec names the field
    return pages(value)


def _changed(content: dict[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """The content of a file with fields changed: `host.nodes=8`, `builds.memory=["4GiB"]`; a size needs no quotes."""
    for change in changes:
        field, equals, text = change.partition("=")
        *tables, name = field.strip().split(".")
        if not equals or not name:
            raise ScenarioError(f"--set {change}: expected FIELD=VALUE, like host.nodes=8")
        try:
            value = tomllib.loads(f"x = {text}")["x"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        inner = content
        for table in tables:
            inner = inner.setdefault(table, {})
            if not isinstance(inner, dict):
                raise ScenarioError(f"--set {change}: {table} has no fields")
        inner[name] = value
    return content


def load(path: Path, changes: Sequence[str] = ()) -> Scenario:
    """The scenario in a TOML file.

    :param changes: fields that differ from the file, as `host.nodes=8`
    :raises ScenarioError: it cannot be read, is no TOML, or a field is missing, unknown or out of range
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: {error}") from error
    try:
        return msgspec.convert(_changed(tomllib.loads(text), changes), Scenario, dec_hook=_decoded)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        raise ScenarioError(f"{path}:{at[1] if at else text.count(chr(10)) + 1}: {error}") from error
    except msgspec.ValidationError as error:
        line = line_of(text, str(error))
        wrong = field_of(str(error)) + instead(Scenario, str(error))
        for change in changes:
            field = change.partition("=")[0].strip()
            if wrong.startswith(field) or f"`{field.rpartition('.')[2]}`" in wrong:
                raise ScenarioError(f"--set {change}: {wrong}") from error
        raise ScenarioError(f"{path}:{'' if line is None else f'{line}:'} {wrong}") from error


def built_in() -> dict[str, Path]:
    """The scenarios that come with the tool."""
    return {path.stem: path for path in sorted(BUILT_IN.glob("*.toml"))}
