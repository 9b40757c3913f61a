"""A plan's results as they come, in the order of the plan, a bounded number of tasks ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from .outcome import Outcome, Status, TaskFailedError
from .task import run_task

if TYPE_CHECKING:
    import pandas as pd

    from .plan import OnError, Plan, Task

# Tasks in flight for each that runs: enough that a slow one does not leave the others without work.
_AHEAD: Final = 4


class Result(Protocol):
    """What a call will give: a future of the standard library, or of Dask."""

    def result(self) -> Any:
        """Wait for what the call gives, or raise what it raised."""

    def cancel(self) -> Any:
        """Say that nobody waits for it any more."""


class Workers(Protocol):
    """Whoever does tasks: this thread, threads, or a cluster."""

    @property
    def slots(self) -> int:
        """How many tasks run at once."""
        ...

    def share(self, value: Any) -> Any:
        """Bring a value to all workers once; what comes back stands for it in `submit`."""
        ...

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Result:
        """Start a call and give its future."""
        ...


def stream(plan: Plan, workers: Workers, on_error: OnError = "raise") -> Iterator[tuple[pd.DataFrame, Outcome]]:
    """Give (table, outcome) of every task, in the order of the plan.

    Raises
    ------
    TaskFailedError
        At the first failed task, if `on_error` is ``"raise"``.
    """
    request = workers.share(plan.request)
    waiting: deque[tuple[Task, Result]] = deque()
    tasks = plan.tasks
    try:
        while True:
            while len(waiting) < _AHEAD * workers.slots and (task := next(tasks, None)):
                waiting.append((task, workers.submit(run_task, *task, request)))
            if not waiting:
                return
            table, outcome = _result(plan, *waiting.popleft())
            if outcome.failed and on_error == "raise":
                raise TaskFailedError(outcome)
            yield table, outcome
    finally:
        for _, future in waiting:
            future.cancel()


def _result(plan: Plan, task: Task, future: Result) -> tuple[pd.DataFrame, Outcome]:
    """Wait for a task; a worker that was lost with it is an outcome as well."""
    try:
        table, outcome = future.result()
    except Exception as error:  # noqa: BLE001 - run_task raises nothing, so this is the cluster speaking
        outcome = Outcome(
            task.granule,
            task.beam,
            task.address,
            Status.FAILED,
            kind="worker_lost",
            message=f"the worker was lost with the task ({type(error).__name__}: {error})",
        )
        return plan.request.schema().empty(), outcome
    return table, outcome
