"""Who does the tasks: this thread, threads, processes of a local Dask cluster, or a cluster at an address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from ..pipeline.errors import InputError
from ..pipeline.stream import Result, Workers

if TYPE_CHECKING:
    from distributed import Client

#: What a scheduler may be called, beside an address.
SCHEDULERS: Final = ("sync", "threads", "processes")

# How long a scheduler may take to answer.
_ANSWER: Final = "10s"

# How old the count of a cluster's workers may be, s.
_COUNT_AGAIN: Final = 5.0

# How long a cluster may take to bring its first worker, s: one that grows with its work starts machines for it.
_PATIENCE: Final = 300.0


class InlineWorkers:
    """Does every task at once, in the thread that asks."""

    slots = 1

    def share(self, value: Any) -> Any:
        """Give the value itself."""
        return value

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Call, and give a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - a future carries whatever its call raised
            future.set_exception(error)
        return future


class ThreadWorkers:
    """Does tasks in threads; kernels and reading leave the interpreter free for each other."""

    def __init__(self, pool: ThreadPoolExecutor, slots: int) -> None:
        self._pool = pool
        self.slots = slots

    def share(self, value: Any) -> Any:
        """Give the value itself."""
        return value

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Start a call in the pool."""
        return self._pool.submit(function, *arguments)


class ClusterWorkers:
    """Does tasks on the workers of a Dask client."""

    def __init__(self, client: Client, patience: float = _PATIENCE) -> None:
        self._client = client
        self._patience = patience
        self._slots = 1
        self._counted = -_COUNT_AGAIN

    @property
    def slots(self) -> int:
        """Threads of all workers, counted every few seconds, since a cluster may grow."""
        if monotonic() - self._counted > _COUNT_AGAIN:
            with suppress(Exception):  # a client that has lost its scheduler says so in many ways; so do its tasks
                self._slots = max(1, sum(self._client.nthreads().values()))
            self._counted = monotonic()
        return self._slots

    def share(self, value: Any) -> Any:
        """Send the value to a worker, from which the others fetch it; if it is lost with one, it is sent again.

        Raises
        ------
        InputError
            When no worker comes, or none can take the value.
        """
        future = self._client.submit(_itself, value, pure=False)
        address = self._client.scheduler.address
        try:
            problem = future.exception(timeout=self._patience)
        except TimeoutError as error:
            raise InputError(f"scheduler {address}: it had no worker for {self._patience:g} s") from error
        if future.status != "finished":
            raise InputError(
                f"scheduler {address}: its workers can't take tasks ({problem!r}); "
                "the same nunatak must be installed there"
            )
        return future

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Result:
        """Start a call on some worker; a cluster that is gone is felt when the result is asked for."""
        try:
            return _ClusterResult(self._client, self._client.submit(function, *arguments, pure=False))
        except Exception as error:  # noqa: BLE001 - what a client says that has lost its scheduler is not foreseen
            lost: Future[Any] = Future()
            lost.set_exception(error)
            return lost


class _ClusterResult:
    """A future of a Dask client, which by itself may wait for ever once the client has lost its scheduler."""

    def __init__(self, client: Client, future: Any) -> None:
        self._client = client
        self._future = future

    def result(self) -> Any:
        while not self._future.done():
            if _is_closed(self._client):
                raise ConnectionError("the scheduler is gone")
            with suppress(TimeoutError):
                self._future.exception(timeout=1)  # waits as result does, and fetches nothing
        return self._future.result()

    def cancel(self) -> None:
        if not _is_closed(self._client):
            self._future.cancel()


def _is_closed(client: Client) -> bool:
    return client.status in {"closing", "closed"}


def _itself(value: Any) -> Any:
    return value


@contextmanager
def open_workers(scheduler: str = "threads", count: int | None = None) -> Iterator[Workers]:
    """Give workers for as long as the context lasts.

    Parameters
    ----------
    scheduler
        ``"sync"``, ``"threads"``, ``"processes"`` (a local Dask cluster), or the address of a Dask scheduler.
    count
        Threads or processes; as many as this process may use cores by default.

    Raises
    ------
    InputError
        When there is no such scheduler, or none answers at the address.
    """
    from dask.system import CPU_COUNT

    count = count or CPU_COUNT
    if scheduler == "sync":
        yield InlineWorkers()
    elif scheduler == "threads":
        with ThreadPoolExecutor(count) as pool:
            yield ThreadWorkers(pool, count)
    else:
        with open_client(scheduler, count) as client:
            yield ClusterWorkers(client)


@contextmanager
def open_client(scheduler: str, count: int | None = None) -> Iterator[Client]:
    """Give a Dask client: of a local cluster of processes, or of the scheduler at an address.

    It does not become the client that Dask takes by itself, least of all when nobody answers.

    Raises
    ------
    InputError
        When there is no such scheduler, or none answers at the address.
    """
    if scheduler != "processes" and "://" not in scheduler:
        raise InputError(f"scheduler {scheduler!r}: {', '.join(SCHEDULERS)}, or an address such as tcp://host:8786")
    from distributed import Client, LocalCluster

    if scheduler == "processes":
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client
    else:
        try:
            client = Client(scheduler, timeout=_ANSWER, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(f"scheduler {scheduler}: no Dask scheduler answers there ({error})") from error
        with client:
            yield client
