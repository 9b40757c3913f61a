"""Asking CMR with patience: time-outs on everything, and another try where that may help."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from threading import Timer
from time import monotonic, sleep
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

import requests
from requests import exceptions as faults
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from ..errors import CatalogError

# CMR's API documentation, "Maximum URL Length": GET up to 6,000 characters, POST beyond.
_LONGEST_URL: Final = 6000
# Characters that need no escape in a query; a polygon is half commas.
_PLAIN: Final = ",:*?[]"
_PASSING: Final = (
    faults.ConnectionError,
    faults.Timeout,
    faults.ChunkedEncodingError,
    faults.ContentDecodingError,
)
# Characters of a server's message that are repeated in an error.
_MESSAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server, and how often to ask again.

    Attributes
    ----------
    timeout
        Seconds without a byte from the server before a try is given up.
    tries
        How often one request is sent at most.
    pause
        Seconds before the second try; doubled for each further one, and between half and all of it by chance,
        so that many who failed together don't return together.
    longest_pause
        Seconds that a pause does not exceed, unless the server asks for more (Retry-After).
    total
        Seconds that one request may take with all its tries and pauses.
    """

    timeout: float = 60.0
    tries: int = 6
    pause: float = 1.0
    longest_pause: float = 60.0
    total: float = 300.0


class _FailedTryError(Exception):
    """A try that another one may make good."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class PatientClient:
    """Asks a CMR, again where a try failed in passing; used as ``with PatientClient(patience) as client``.

    Another try follows server errors (5xx), 429, time-outs, connections that break (also in the middle of an
    answer) and answers that CMR itself calls incomplete (``CMR-Timed-Out``).
    """

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.session = requests.Session()
        # Anything here keeps requests from sending a .netrc's default login: a search needs none.
        self.session.auth = _no_login

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def ask(self, url: str, parameters: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> requests.Response:
        """Send one search until it is answered.

        Parameters
        ----------
        url
            Address of the search, without parameters.
        parameters
            Name and value, a name as often as needed.
        headers
            What is sent beside.

        Raises
        ------
        CatalogError
            When CMR refuses the request (other 4xx; with CMR's own words), or when patience ends.
        """
        started = monotonic()
        deadline = started + self.patience.total
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(url, parameters, headers, deadline)
            except _FailedTryError as failure:
                pause = self._pause(attempt, failure)
                if attempt >= self.patience.tries or monotonic() + pause > deadline:
                    asks = f", and asks to wait {failure.retry_after:.0f} s" if failure.retry_after else ""
                    raise CatalogError(
                        f"{place(url)}: no answer; given up after {attempt} of {self.patience.tries} tries and "
                        f"{monotonic() - started:.1f} of {self.patience.total:g} s; the last try: {failure}{asks}"
                    ) from failure
                sleep(pause)

    def _pause(self, attempt: int, failure: _FailedTryError) -> float:
        longest = min(self.patience.pause * 2.0 ** (attempt - 1), self.patience.longest_pause)
        return max(longest * random.uniform(0.5, 1.0), failure.retry_after)

    def _once(
        self, url: str, parameters: Sequence[tuple[str, str]], headers: Mapping[str, str], deadline: float
    ) -> requests.Response:
        timeout = max(min(self.patience.timeout, deadline - monotonic()), 0.001)
        try:
            with self._send(url, urlencode(parameters, safe=_PLAIN), dict(headers), timeout) as response:
                _read_until(response, deadline)
        except requests.RequestException as error:
            if monotonic() >= deadline:  # hung up on, which looks like any other fault of the connection
                raise _FailedTryError("timed out") from error
            if isinstance(error, _PASSING) and not isinstance(error, faults.SSLError):
                raise _FailedTryError(_reason(error)) from error
            raise CatalogError(f"{place(url)}: can't be asked: {_reason(error)}") from error
        return _accepted(response)

    def _send(self, url: str, query: str, headers: dict[str, str], timeout: float) -> requests.Response:
        if len(url) + len(query) < _LONGEST_URL:
            return self.session.get(f"{url}?{query}", headers=headers, timeout=timeout, stream=True)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.session.post(url, data=query, headers=headers, timeout=timeout, stream=True)


def place(url: str) -> str:
    """Give an address without its query and without a login that may stand in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read_until(response: requests.Response, deadline: float) -> None:
    """Read the body; hang up at the deadline, since a time-out between bytes never ends a trickle."""
    timer = Timer(max(deadline - monotonic(), 0), _hang_up, [response.raw.shutdown])
    timer.daemon = True
    timer.start()
    try:
        _ = response.content
    finally:
        timer.cancel()


def _hang_up(shutdown: Callable[[], None]) -> None:
    # both say that the body was read to its end in this very moment
    with suppress(RuntimeError, ValueError):
        shutdown()


def _reason(error: Exception) -> str:
    """Say what went wrong without the request's address, which holds the whole polygon."""
    if isinstance(error, faults.Timeout):
        return "timed out"
    if isinstance(error, faults.ChunkedEncodingError | faults.ContentDecodingError):
        return "the answer broke off"
    if not isinstance(error, faults.ConnectionError):
        return type(error).__name__
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return f"the connection failed: {cause}"


def _accepted(response: requests.Response) -> requests.Response:
    status = response.status_code
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS} or status >= 500:
        raise _FailedTryError(f"status {status}: {_words(response)}", _retry_after(response))
    if status >= 400:
        raise CatalogError(f"{place(response.url)}: refused with status {status}: {_words(response)}")
    if response.headers.get("CMR-Timed-Out", "false").lower() == "true":
        raise _FailedTryError("CMR ran out of time and answered in part (CMR-Timed-Out)")
    return response


def _words(response: requests.Response) -> str:
    """Give CMR's own message."""
    try:
        words = "; ".join(str(error) for error in response.json()["errors"])
    except (ValueError, LookupError, TypeError):
        words = " ".join(response.text.split())
    return words[:_MESSAGE] or "(no message)"


def _retry_after(response: requests.Response) -> float:
    """Seconds that the server asks to wait: a number, or until a date."""
    text = response.headers.get("Retry-After")
    if text is None:
        return 0.0
    try:
        return max(Retry().parse_retry_after(text), 0.0)
    except InvalidHeader:
        return 0.0
