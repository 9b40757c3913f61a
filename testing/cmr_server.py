"""A CMR of one's own: a local server that answers granule searches in CMR's form, and fails on demand.

For tests of whatever searches CMR over HTTP (nunatak, earthaccess, python-cmr, one's own code), without a
network. It listens on this machine only, refuses what CMR refuses (an unknown parameter, an open or clockwise
polygon), pages by ``CMR-Search-After`` and records what it was asked. `Fault` says what goes wrong, by the number
of the request.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from ..pipeline.granule import GranuleName
from .cmr_documents import umm_document
from .cmr_search import Entry, RefusedError, search

_ROUTE: Final = "/search/granules.umm_json"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request; several things may.

    Attributes
    ----------
    status
        Answer with this HTTP status in place of granules.
    retry_after
        Value of a ``Retry-After`` header: seconds, or an HTTP date.
    message
        What the error says.
    delay
        Seconds before the answer.
    reset
        Reset the connection without an answer.
    cut
        Break off in the middle of the answer.
    trickle
        Seconds between the bytes of the answer, one at a time.
    lost
        Leave out this many granules of the page.
    repeat
        Give the first page again, whatever was asked.
    hits
        Add this to the number of granules that is promised (``CMR-Hits``).
    timed_out
        Say that the search ran out of time and the answer is not whole (``CMR-Timed-Out``).
    body
        Send this in place of the answer.
    """

    status: int = 200
    retry_after: str | None = None
    message: str = "An Internal Error has occurred."
    delay: float = 0.0
    reset: bool = False
    cut: bool = False
    trickle: float = 0.0
    lost: int = 0
    repeat: bool = False
    hits: int = 0
    timed_out: bool = False
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request that the server received.

    Attributes
    ----------
    method
        ``GET`` or ``POST``.
    query
        As it was sent, in the address or in the body.
    parameters
        Name -> values, in their order.
    headers
        By lower-case name.
    """

    method: str
    query: str
    parameters: Mapping[str, list[str]]
    headers: Mapping[str, str]


class CmrServer:
    """Serves granules as CMR does, from a thread, while it is entered.

    Parameters
    ----------
    granules
        Names, of which documents are made (`nunatak.testing.cmr_documents.umm_document`), or whole documents.
    faults
        Number of a request, from 1 -> what goes wrong with it.
    always
        What goes wrong with every other request.

    Attributes
    ----------
    url
        Search root, for earthaccess's ``mode`` and `nunatak.pipeline.catalog.cmr.CmrCatalog`.
    requests
        What was asked, in order.
    seconds
        Time spent on answers, from the request read to the last byte written.

    Examples
    --------
    >>> import earthaccess
    >>> from nunatak.pipeline.granule import GranuleName
    >>> from nunatak.testing.cmr_server import CmrServer
    >>> name = GranuleName.parse("ATL03_20181017222812_02950102_006_02.h5")
    >>> with CmrServer([name]) as server:
    ...     hits = earthaccess.DataGranules().mode(server.url).short_name("ATL03").hits()
    >>> hits, server.requests[0].parameters["short_name"]
    (1, ['ATL03'])
    """

    def __init__(
        self,
        granules: Iterable[GranuleName | Mapping[str, Any]],
        faults: Mapping[int, Fault] | None = None,
        *,
        always: Fault | None = None,
    ) -> None:
        documents = (umm_document(one) if isinstance(one, GranuleName) else one for one in granules)
        self.entries = sorted((Entry.of(document) for document in documents), key=lambda entry: entry.key)
        self.faults = dict(faults or {})
        self.always = always or Fault()
        self.requests: list[Request] = []
        self.seconds = 0.0
        self.stopping = Event()
        self._lock = Lock()
        self._server = _QuietServer(("127.0.0.1", 0), partial(_Handler, self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """Search root, ends with a slash."""
        return f"http://127.0.0.1:{self._server.server_port}/search/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault_of(self, request: Request) -> Fault:
        """Record a request and say what goes wrong with it."""
        with self._lock:
            self.requests.append(request)
            return self.faults.get(len(self.requests), self.always)

    def worked(self, seconds: float) -> None:
        """Add to the time spent on answers."""
        with self._lock:
            self.seconds += seconds


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up on a slow answer is what a test wants to see."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write per answer instead of one per header

    def __init__(self, cmr: CmrServer, *args: Any) -> None:
        self.cmr = cmr
        super().__init__(*args)

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the terminal for the tests."""

    def _answer(self, query: str) -> None:
        started = perf_counter()
        request = Request(
            method=self.command,
            query=query,
            parameters=parse_qs(query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
        )
        fault = self.cmr.fault_of(request)
        self.cmr.stopping.wait(fault.delay)
        if fault.reset:
            self._reset()
            return
        status, headers, body = self._result(request, fault)
        self._send(status, headers, body if fault.body is None else fault.body, fault)
        self.cmr.worked(perf_counter() - started)

    def _result(self, request: Request, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        if fault.status != 200:
            wait = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            return fault.status, wait, _errors(fault.message)
        if urlsplit(self.path).path != _ROUTE:
            return 404, {}, _errors(f"{urlsplit(self.path).path} is not here; {_ROUTE} is")
        after = None if fault.repeat else request.headers.get("cmr-search-after")
        try:
            found, page = search(self.cmr.entries, request.parameters, after)
        except RefusedError as refused:
            return 400, {}, _errors(str(refused))
        headers = {"CMR-Hits": str(len(found) + fault.hits), "CMR-Took": "1"}
        if page:
            headers["CMR-Search-After"] = page[-1].cursor
        if fault.timed_out:
            headers["CMR-Timed-Out"] = "true"
        items = b",".join(entry.text for entry in page[: len(page) - fault.lost])
        return 200, headers, b'{"hits":%d,"took":1,"items":[%b]}' % (len(found) + fault.hits, items)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, fault: Fault) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault.cut:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif fault.trickle:
            self._trickle(body, fault.trickle)
        else:
            self.wfile.write(body)
        self.wfile.flush()

    def _trickle(self, body: bytes, seconds: float) -> None:
        for i in range(len(body)):
            self.wfile.write(body[i : i + 1])
            self.wfile.flush()
            if self.cmr.stopping.wait(seconds):
                return

    def _reset(self) -> None:
        """Close so that the client sees a reset, not an end: nothing is waited for or sent."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def _errors(message: str) -> bytes:
    return json.dumps({"errors": [message]}).encode()
