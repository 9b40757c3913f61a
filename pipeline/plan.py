"""A plan: the tasks of a request as data, before anything is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .estimate import Bounds, Cost, Estimate
from .granule import GranuleName
from .task import Request

if TYPE_CHECKING:
    import pandas as pd

    from .graph import LazyResult

OnError = Literal["raise", "collect"]


class Task(NamedTuple):
    """One task: a beam of a granule, where the granule is, and where its ATL08 is if the request needs it."""

    address: str
    granule: str
    beam: str
    atl08: str = ""


class PlannedBeam(NamedTuple):
    """A beam of a planned granule.

    Attributes
    ----------
    beam
        ``"gt1l"`` to ``"gt3r"``.
    cost
        What its task will cost; see `Cost`.
    bounds
        West, south, east and north of a box that certainly holds its rows; None where nothing is known of it.
    """

    beam: str
    cost: Cost
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class PlannedGranule:
    """A granule of a plan.

    Attributes
    ----------
    name
        What its name says.
    addresses
        Where it can be read, by the way of access: file, s3, https.
    beams
        The beams that are asked of it.
    size
        Bytes, where they are known.
    companions
        Product -> addresses of the granule that goes with it.
    notes
        What the catalog has to say of it.
    """

    name: GranuleName
    addresses: Mapping[str, str]
    beams: tuple[PlannedBeam, ...]
    size: int | None = None
    companions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where a task reads it: the nearest of its addresses."""
        return nearest_of(self.addresses)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done: a request, and its granules in the order of their acquisition.

    Attributes
    ----------
    request
        Product and parameters.
    granules
        Sorted by time, so that a plan does not depend on the order in which granules were named.
    left_out
        What the resources hold that is not part of the plan, with the reason.
    origin
        Where the granules come from: the catalog, and what was asked of it.
    """

    request: Request
    granules: tuple[PlannedGranule, ...]
    left_out: tuple[str, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(granule.beams) for granule in self.granules)

    def __repr__(self) -> str:
        return f"<Plan {self.request.product}: {len(self.granules):,} granules, {len(self):,} tasks>"

    @property
    def tasks(self) -> Iterator[Task]:
        """All tasks, granule by granule and beam by beam."""
        for granule in self.granules:
            yield from _tasks_of(granule, self.request)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should be told before the plan is run: what was left out, what is odd about a granule."""
        left_out = [f"left out: {line}" for line in self.left_out]
        noted = [f"{granule.name}: {note}" for granule in self.granules for note in granule.notes]
        return (*left_out, *noted)

    def table(self) -> pd.DataFrame:
        """Give the tasks as a table: granule, beam, address, companions, and what each will cost.

        Returns
        -------
        pandas.DataFrame
            Columns granule, beam, address, companions, photons, bytes_read, memory (bytes), seconds, west, south,
            east, north (degrees; NaN where nothing is known).
        """
        import pandas as pd

        rows = [
            (
                task.granule,
                task.beam,
                task.address,
                ", ".join(granule.companions),
                *beam.cost,
                *(beam.bounds or (None,) * 4),
            )
            for granule in self.granules
            for task, beam in zip(_tasks_of(granule, self.request), granule.beams, strict=True)
        ]
        places = ("west", "south", "east", "north")
        table = pd.DataFrame(rows, columns=["granule", "beam", "address", "companions", *Cost._fields, *places])
        return table.astype(dict.fromkeys(places, "float64"))

    def estimate(self) -> Estimate:
        """Say what the whole plan will cost; printed, it is said in words."""
        costs = [beam.cost for granule in self.granules for beam in granule.beams]
        sizes = [granule.size for granule in self.granules if granule.size is not None]
        return Estimate(
            granules=len(self.granules),
            tasks=len(costs),
            photons=sum(cost.photons for cost in costs),
            bytes_read=sum(cost.bytes_read for cost in costs),
            memory=max((cost.memory for cost in costs), default=0),
            seconds=sum(cost.seconds for cost in costs),
            granule_bytes=sum(sizes),
            sized=len(sizes),
        )

    def lazy(self, on_error: OnError = "raise") -> LazyResult:
        """Give the frame and the outcomes, not yet computed; both come from the same tasks.

        Parameters
        ----------
        on_error
            ``"raise"``: computing the frame raises `TaskFailedError` at the first task that failed.
            ``"collect"``: a failed task has no rows, and its outcome says why.
        """
        from .graph import lazy_result

        return lazy_result(self, on_error)

    def save(self, path: str | Path) -> None:
        """Save the plan as one file, from which `Plan.load` makes it again without a catalog.

        Raises
        ------
        InputError
            When the file can't be put there.
        """
        from .plan_file import save_plan

        save_plan(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Load a plan.

        Raises
        ------
        InputError
            When there is no plan in the file.
        """
        from .plan_file import load_plan

        return load_plan(path)


def _tasks_of(granule: PlannedGranule, request: Request) -> list[Task]:
    name, address = str(granule.name), granule.address
    atl08 = nearest_of(granule.companions.get("ATL08", {})) if request.parameters.classes is not None else ""
    return [Task(address, name, beam.beam, atl08) for beam in granule.beams]


def nearest_of(addresses: Mapping[str, str]) -> str:
    """Give the nearest of a granule's addresses; empty where there is none."""
    known = [addresses[access] for access in ("file", "s3", "https") if access in addresses]
    return next(iter([*known, *addresses.values()]), "")
