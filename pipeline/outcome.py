"""What a task can end in. No task is without an outcome, and the outcomes add up to the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from .errors import NunatakError

if TYPE_CHECKING:
    import pandas as pd


class Status(StrEnum):
    """How a task ended."""

    OK = "ok"
    """Rows came out."""
    EMPTY = "empty"
    """The granule was read and nothing of it is in the request: no segment in the region, no valid extent."""
    ABSENT = "absent"
    """The granule has no such beam, or the beam has no group of photons."""
    FAILED = "failed"
    """The task could not be done; kind and message say why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task (granule x beam) ended, and what it took.

    Attributes
    ----------
    granule, beam, address
        The task.
    status
        See `Status`.
    kind, message, dataset
        For a failed task: the error's stable kind, its text, and the dataset if one is concerned.
    detail
        For a failure that nobody foresaw: the traceback.
    rows
        Rows in the result.
    photons, photons_kept
        Photons that were read, and those that passed the filters.
    notes
        What a careful reader wants to know although the task did not fail: "2 rows whose photons do not determine a
        line".
    bytes_read, requests
        From the granule's file.
    read_seconds, compute_seconds
        Wall time.
    """

    granule: str
    beam: str
    address: str
    status: Status
    kind: str = ""
    message: str = ""
    dataset: str = ""
    detail: str = ""
    rows: int = 0
    photons: int = 0
    photons_kept: int = 0
    notes: tuple[str, ...] = ()
    bytes_read: int = 0
    requests: int = 0
    read_seconds: float = field(default=0.0, compare=False)
    compute_seconds: float = field(default=0.0, compare=False)

    @property
    def failed(self) -> bool:
        """Whether the task failed."""
        return self.status is Status.FAILED


# the type of a column, whatever its rows (annotations are text here)
_DTYPES: Final = {"str": "str", "Status": "str", "tuple[str, ...]": "str", "int": "int64", "float": "float64"}


class TaskFailedError(NunatakError):
    """A task failed, and the request said that this should be felt (``on_error="raise"``).

    Attributes
    ----------
    outcome
        The `Outcome` of the task.
    """

    kind: ClassVar[str] = "task_failed"

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(
            f"{outcome.granule} {outcome.beam} failed ({outcome.kind}): {outcome.message}"
            '\n(on_error="collect" gives the rows of the other tasks, and the outcomes of all)'
            + (f"\n{outcome.detail}" if outcome.detail else "")
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.outcome,)


def outcome_table(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Put outcomes into a table, one row a task."""
    import pandas as pd

    records = [asdict(outcome) for outcome in outcomes]
    columns = {f.name: [record[f.name] for record in records] for f in fields(Outcome)}
    columns["notes"] = ["; ".join(notes) for notes in columns["notes"]]
    return pd.DataFrame(
        {name: pd.Series(values, dtype=_DTYPES[Outcome.__annotations__[name]]) for name, values in columns.items()}
    )


def count_statuses(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count outcomes by status; every status is in the answer.

    Examples
    --------
    >>> from nunatak.pipeline.outcome import Outcome, Status, count_statuses
    >>> count_statuses([Outcome("g", "gt1l", "g.h5", Status.OK), Outcome("g", "gt1r", "g.h5", Status.ABSENT)])
    {'ok': 1, 'empty': 0, 'absent': 1, 'failed': 0}
    """
    counts = Counter(outcome.status for outcome in outcomes)
    return {str(status): counts[status] for status in Status}


def summary(outcomes: Sequence[Outcome], granules: int) -> str:
    """Say in a few lines how the tasks ended; failures by kind, the first of each with its message."""
    counts = count_statuses(outcomes)
    lines = [
        f"{granules} granules, {len(outcomes)} tasks: "
        + ", ".join(f"{count} {status}" for status, count in counts.items())
    ]
    failures: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.failed:
            failures.setdefault(outcome.kind, []).append(outcome)
    for kind, failed in failures.items():
        lines.append(f"failed ({kind}): {len(failed)}, first {failed[0].granule} {failed[0].beam}: {failed[0].message}")
    lines += _summarised_notes(outcomes)
    return "\n".join(lines)


def _summarised_notes(outcomes: Sequence[Outcome]) -> list[str]:
    noted = [outcome for outcome in outcomes if outcome.notes]
    if not noted:
        return []
    first = noted[0]
    return [f"notes on {len(noted)} tasks, first {first.granule} {first.beam}: {'; '.join(first.notes)}"]
