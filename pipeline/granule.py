"""A granule's identity: what its name says, and how beams, pairs, spots and ground tracks hang together."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from .errors import ResourceError

#: The six beams in the order in which every table lists them.
BEAMS: Final = ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")

#: Ground track numbers as SlideRule writes them (column ``gt``).
GROUND_TRACK: Final = {beam: 10 * (i + 1) for i, beam in enumerate(BEAMS)}

# Spots by spacecraft orientation (ATL03 ATBD, section 7.5): 0 backward, 1 forward; none in transition (2).
_SPOTS: Final = {0: (1, 2, 3, 4, 5, 6), 1: (6, 5, 4, 3, 2, 1)}

_NAME: Final = re.compile(
    r"(?P<product>ATL\d\d)_(?P<time>\d{14})_(?P<rgt>\d{4})(?P<cycle>\d\d)(?P<region>\d\d)"
    r"_(?P<release>\d{3})_(?P<revision>\d\d)"
)


@dataclass(frozen=True, slots=True, order=True)
class GranuleName:
    """What the name of an ICESat-2 granule says.

    Ordered by time first, so that sorted granules are in the order of their acquisition.

    Parameters
    ----------
    time
        Start of the granule, UTC.
    product
        ``ATL03``, ``ATL08``, ...
    rgt
        Reference ground track, 1 to 1387.
    cycle
        91-day repeat cycle.
    region
        Granule region, 1 to 14.
    release, revision
        As written: ``"006"``, ``"02"``.

    Examples
    --------
    >>> from nunatak.pipeline.granule import GranuleName
    >>> name = GranuleName.parse("processed_ATL03_20181017222812_02950102_006_02.h5")
    >>> name.rgt, name.cycle, name.region, name.release
    (295, 1, 2, '006')
    >>> str(name.companion("ATL08"))
    'ATL08_20181017222812_02950102_006_02.h5'
    """

    time: datetime
    product: str
    rgt: int
    cycle: int
    region: int
    release: str
    revision: str

    @classmethod
    def parse(cls, address: str) -> GranuleName:
        """Read the name out of a file name, path or address; a prefix such as ``processed_`` does not matter.

        Raises
        ------
        ResourceError
            When no granule name is in it.
        """
        name = cls.find(address)
        if name is None:
            raise ResourceError(
                f"{address}: not the name of an ICESat-2 granule; "
                "a name such as ATL03_20181017222812_02950102_006_02.h5 is needed, "
                "because rgt, cycle and region of the results come from it"
            )
        return name

    @classmethod
    def find(cls, address: str) -> GranuleName | None:
        """Read the name out of an address, or give None where there is none."""
        match = _NAME.search(file_name(address))
        if match is None:
            return None
        try:
            time = datetime.strptime(match["time"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(
            time=time,
            product=match["product"],
            rgt=int(match["rgt"]),
            cycle=int(match["cycle"]),
            region=int(match["region"]),
            release=match["release"],
            revision=match["revision"],
        )

    def __str__(self) -> str:
        return (
            f"{self.product}_{self.time:%Y%m%d%H%M%S}_{self.rgt:04d}{self.cycle:02d}{self.region:02d}"
            f"_{self.release}_{self.revision}.h5"
        )

    def companion(self, product: str) -> GranuleName:
        """Name the granule of another product over the same ground at the same time."""
        return replace(self, product=product)

    @property
    def acquisition(self) -> tuple[datetime, int, int, int]:
        """What stays the same over products, releases and revisions: time, rgt, cycle, region."""
        return self.time, self.rgt, self.cycle, self.region


def file_name(address: str) -> str:
    """Give the last part of a path or URL, without a query.

    Examples
    --------
    >>> from nunatak.pipeline.granule import file_name
    >>> file_name("https://host/ATL03/x.h5?signature=1")
    'x.h5'
    """
    bare = address.split("?", 1)[0] if "://" in address else address
    return bare.replace("\\", "/").rpartition("/")[2]


def track_of(beam: str) -> int:
    """Give the reference pair track of a beam: 1, 2 or 3."""
    return int(beam[2])


def pair_of(beam: str) -> int:
    """Give the side of a beam within its pair: 0 left, 1 right."""
    return int(beam[3] == "r")


def spot_of(beam: str, sc_orient: int) -> int:
    """Give the spot number of a beam, 1 to 6; 0 while the spacecraft turns (sc_orient 2).

    Odd spots are the strong beams.

    Examples
    --------
    >>> from nunatak.pipeline.granule import spot_of
    >>> spot_of("gt1l", 0), spot_of("gt1l", 1), spot_of("gt1l", 2)
    (1, 6, 0)
    """
    return _SPOTS.get(sc_orient, (0,) * 6)[BEAMS.index(beam)]


def extent_id_base(name: GranuleName, beam: str) -> int:
    """Give the part of an extent_id that all extents of a beam share (SlideRule, Icesat2Fields::generateExtentId).

    An extent_id holds rgt (bits 52-63), cycle (36-51), region (32-35), track (30-31), counter (2-29), a bit that
    is set for results of a fit (1) and pair (0).
    """
    return name.rgt << 52 | name.cycle << 36 | name.region << 32 | track_of(beam) << 30 | pair_of(beam)
