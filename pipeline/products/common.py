"""Columns that several products have, each described once."""

from __future__ import annotations

from typing import Final

from .schema import Column

_NAME: Final = "granule name"

EXTENT_ID: Final = Column(
    "extent_id", "uint64", "1", "rgt, cycle, region, track, number of the extent and pair in one number", "computed"
)
SEGMENT_ID: Final = Column(
    "segment_id", "uint32", "1", "ATL03 segment at the centre of the extent, as in ATL06", "geolocation/segment_id"
)
RGT: Final = Column("rgt", "uint16", "1", "reference ground track", _NAME)
CYCLE: Final = Column("cycle", "uint8", "1", "91-day repeat cycle", _NAME)
REGION: Final = Column("region", "uint8", "1", "granule region", _NAME)
SPOT: Final = Column(
    "spot", "uint8", "1", "laser spot 1 to 6, odd ones strong; 0 while the spacecraft turns", "orbit_info/sc_orient"
)
GT: Final = Column("gt", "uint8", "1", "ground track: 10 gt1l, 20 gt1r, 30 gt2l, 40 gt2r, 50 gt3l, 60 gt3r", "beam")
TRACK: Final = Column("track", "uint8", "1", "reference pair track 1 to 3", "beam")
PAIR: Final = Column("pair", "uint8", "1", "side of the pair: 0 left, 1 right", "beam")
SC_ORIENT: Final = Column(
    "sc_orient", "uint8", "1", "spacecraft orientation: 0 backward, 1 forward, 2 in transition", "orbit_info/sc_orient"
)
X_ATC: Final = Column(
    "x_atc",
    "float64",
    "m",
    "along-track distance from the equator to the centre of the extent",
    "geolocation/segment_dist_x",
)
SOLAR_ELEVATION: Final = Column(
    "solar_elevation",
    "float32",
    "degrees",
    "elevation of the sun at the extent's first segment",
    "geolocation/solar_elevation",
)
LANDCOVER: Final = Column(
    "landcover", "uint8", "1", "land cover of the land segment; 255 unknown", "ATL08 segment_landcover"
)
SNOWCOVER: Final = Column(
    "snowcover", "uint8", "1", "snow cover of the land segment; 255 unknown", "ATL08 segment_snowcover"
)
#: Where a row comes from.
IDENTITY: Final = (RGT, CYCLE, REGION, SPOT, GT)


def time(source: str) -> Column:
    """Describe the index."""
    return Column("time", "datetime64[ns]", "ns", "UTC since 1970-01-01 without leap seconds", source)


def latitude(source: str) -> Column:
    """Describe the latitude of a row's point."""
    return Column("latitude", "float64", "degrees_north", "latitude", source, alias="lat")


def longitude(source: str) -> Column:
    """Describe the longitude of a row's point."""
    return Column("longitude", "float64", "degrees_east", "longitude", source, alias="lon")
