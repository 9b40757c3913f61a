"""What CMR's documents say of a granule (UMM-G, as ``granules.umm_json`` answers)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from ..errors import CatalogError, ResourceError
from ..granule import GranuleName
from .outline import Ring, outlines
from .query import Found

# NSIDC's older documents give megabytes and call the unit "NA".
_BYTES: Final = {"NA": 2**20, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "PB": 2**50}
_READABLE: Final = ("GET DATA", "GET DATA VIA DIRECT ACCESS")


def read_granules(documents: Iterable[Mapping[str, Any]]) -> list[Found]:
    """Read the items of CMR's answer, in their order.

    Raises
    ------
    CatalogError
        When a document is not of the form that CMR has for granules; the message names the granule.
    """
    found, rings = [], []
    for number, document in enumerate(documents):
        try:
            found.append(_granule(document["umm"]))
            rings.append(_rings(document["umm"]))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise CatalogError(f"{_label(document, number)}: {_complaint(error)}") from error
    return [
        Found(name=name, addresses=addresses, size=size, outline=outline)
        for (name, addresses, size), outline in zip(found, outlines(rings), strict=True)
    ]


def _label(document: Any, number: int) -> str:
    """Name a granule whose document may lack anything."""
    umm, meta = (document.get(key) if isinstance(document, Mapping) else None for key in ("umm", "meta"))
    for part, key in ((umm, "GranuleUR"), (meta, "concept-id")):
        if isinstance(part, Mapping) and isinstance(part.get(key), str):
            return str(part[key])
    return f"granule {number + 1} of CMR's answer"


def _complaint(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"CMR's document has no {error}, which every granule has (UMM-G)"
    if isinstance(error, ResourceError):
        return f"CMR's document leads to no granule: {error}"
    return f"CMR's document is not of the form of UMM-G: {error}"


def _granule(umm: Mapping[str, Any]) -> tuple[GranuleName, dict[str, str], int | None]:
    addresses = _addresses(umm["RelatedUrls"])
    names = {address.rpartition("/")[2] for address in addresses.values()}
    if len(names) != 1:
        raise ValueError(
            f"its links name {len(names)} granules ({', '.join(sorted(names))}); one .h5 file to download is needed"
        )
    file = names.pop()
    return GranuleName.parse(file), addresses, _size(umm.get("DataGranule", {}), file)


def _addresses(links: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Take the file itself: no browse picture, no metadata beside it, no service."""
    addresses: dict[str, str] = {}
    for link in links:
        url = link["URL"]
        if link["Type"] in _READABLE and url.endswith(".h5") and "opendap" not in url.lower():
            addresses.setdefault("s3" if url.startswith("s3://") else "https", url)
    return addresses


def _size(data: Mapping[str, Any], file: str) -> int | None:
    """Bytes of the file; its entry may stand beside those of other files, or carry no name."""
    entries = data.get("ArchiveAndDistributionInformation", [])
    named = [entry for entry in entries if entry.get("Name") == file]
    for entry in named or entries[:1]:
        if "SizeInBytes" in entry:
            return int(entry["SizeInBytes"])
        if "Size" in entry:
            return round(float(entry["Size"]) * _BYTES[entry.get("SizeUnit", "NA")])
    return None


def _rings(umm: Mapping[str, Any]) -> list[Ring]:
    """Outer rings; granules that are only described by their orbit have none."""
    domain = umm.get("SpatialExtent", {}).get("HorizontalSpatialDomain", {})
    return [_ring(polygon["Boundary"]["Points"]) for polygon in domain.get("Geometry", {}).get("GPolygons", [])]


def _ring(points: Iterable[Mapping[str, float]]) -> Ring:
    ring = np.array([(point["Longitude"], point["Latitude"]) for point in points], np.float64)
    if len(ring) < 4 or not np.all(np.abs(ring) <= (180, 90)):
        raise ValueError(f"its outline {ring.tolist()} is no ring of longitudes and latitudes")
    return ring
