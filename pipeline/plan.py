"""A plan: the tasks of a request as data, before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .granule import GranuleName
from .parameters import Parameters
from .products import product_named
from .resources import find_resources
from .task import Request

if TYPE_CHECKING:
    from .graph import LazyResult

OnError = Literal["raise", "collect"]


class Task(NamedTuple):
    """One task: a beam of a granule, and where the granule is."""

    address: str
    granule: str
    beam: str


@dataclass(frozen=True, slots=True)
class PlannedGranule:
    """A granule of a plan, and the beams that are asked of it."""

    name: GranuleName
    address: str
    beams: tuple[str, ...]
    size: int | None = None


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
    """

    request: Request
    granules: tuple[PlannedGranule, ...]
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(granule.beams) for granule in self.granules)

    @property
    def tasks(self) -> Iterator[Task]:
        """All tasks, granule by granule and beam by beam."""
        for granule in self.granules:
            name = str(granule.name)
            for beam in granule.beams:
                yield Task(granule.address, name, beam)

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


def make_plan(
    product: str,
    resources: str | Path | Iterable[str | Path],
    parms: Parameters | Mapping[str, Any] | str | Path | None = None,
    *,
    keep_id: bool = False,
    **keywords: Any,
) -> Plan:
    """Plan a product over granules.

    Parameters
    ----------
    product
        ``"atl06"``.
    resources
        Paths of granules and folders.
    parms, **keywords
        The parameters: see `Parameters.of`.
    keep_id
        Keep the column ``extent_id``.

    Raises
    ------
    InputError
        A product, parameter or resource that is not right; the message says what would be.
    """
    chosen = product_named(product)
    parameters = Parameters.of(parms, **keywords)
    parameters.notice_unused(product, chosen.honours)
    found = find_resources(resources, chosen.reads)
    granules = tuple(
        PlannedGranule(granule.name, granule.address, parameters.selected_beams, granule.size)
        for granule in found.granules
    )
    return Plan(Request(product, parameters, keep_id), granules, found.left_out)
