"""Documents of the form in which CMR describes granules (UMM-G), made from a granule's name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from ..pipeline.granule import GranuleName

_HTTPS: Final = "https://data.nsidc.earthdatacloud.nasa.gov"
_BUCKET: Final = "nsidc-cumulus-prod-protected"
_SCHEMA: Final = {
    "URL": "https://cdn.earthdata.nasa.gov/umm/granule/v1.6.6",
    "Name": "UMM-G",
    "Version": "1.6.6",
}


def umm_document(
    name: GranuleName,
    *,
    outline: Sequence[tuple[float, float]] | None = None,
    size: int = 2_000_000_000,
    duration: float = 320.0,
    provider: str = "NSIDC_CPRD",
    pictures: int = 12,
) -> dict[str, Any]:
    """Describe a granule as CMR does.

    Parameters
    ----------
    name
        The granule; its addresses follow from its name.
    outline
        Vertices (longitude, latitude) of its outline, degrees, counter-clockwise; None describes it by its
        orbit alone, as NSIDC_ECS did for release 005.
    size
        Bytes.
    duration
        Seconds from its first to its last photon.
    provider
        Whose granule it is.
    pictures
        How many browse pictures its document names; real ones name up to 30, which is most of an answer.

    Returns
    -------
    dict
        With the keys ``meta`` and ``umm``, as in the ``items`` of ``granules.umm_json``.

    Examples
    --------
    >>> from nunatak.pipeline.granule import GranuleName
    >>> from nunatak.testing.cmr_documents import umm_document
    >>> document = umm_document(GranuleName.parse("ATL03_20181017222812_02950102_006_02.h5"))
    >>> document["umm"]["TemporalExtent"]["RangeDateTime"]["EndingDateTime"]
    '2018-10-17T22:33:32.000Z'
    """
    file = str(name)
    span = {
        "BeginningDateTime": _time(name.time),
        "EndingDateTime": _time(name.time + timedelta(seconds=duration)),
    }
    domain = _orbit() if outline is None else _polygon(outline)
    return {
        "meta": {
            "concept-type": "granule",
            "concept-id": f"G{_number(file)}-{provider}",
            "revision-id": 1,
            "native-id": file,
            "provider-id": provider,
            "format": "application/vnd.nasa.cmr.umm+json",
            "revision-date": _time(name.time + timedelta(days=60)),
        },
        "umm": {
            "TemporalExtent": {"RangeDateTime": span},
            "GranuleUR": file,
            "SpatialExtent": {"HorizontalSpatialDomain": domain},
            "ProviderDates": [{"Date": _time(name.time + timedelta(days=60)), "Type": "Insert"}],
            "CollectionReference": {"ShortName": name.product, "Version": name.release},
            "RelatedUrls": _links(name, pictures),
            "DataGranule": {
                "DayNightFlag": "Unspecified",
                "Identifiers": [{"Identifier": file, "IdentifierType": "ProducerGranuleId"}],
                "ProductionDateTime": _time(name.time + timedelta(days=50)),
                "ArchiveAndDistributionInformation": [
                    {"Name": file, "SizeInBytes": size, "Size": size / 2**20, "SizeUnit": "MB"}
                ],
            },
            "MetadataSpecification": _SCHEMA,
        },
    }


def _number(text: str) -> int:
    """Give a file a number that is the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=5).digest())


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def _polygon(outline: Sequence[tuple[float, float]]) -> dict[str, Any]:
    ring = [*outline, outline[0]] if outline[0] != outline[-1] else list(outline)
    points = [{"Longitude": lon, "Latitude": lat} for lon, lat in ring]
    return {"Geometry": {"GPolygons": [{"Boundary": {"Points": points}}]}}


def _orbit() -> dict[str, Any]:
    return {
        "Orbit": {
            "AscendingCrossing": 0.0,
            "StartLatitude": 59.5,
            "StartDirection": "A",
            "EndLatitude": 80,
            "EndDirection": "A",
        }
    }


def _links(name: GranuleName, pictures: int) -> list[dict[str, str]]:
    """Everything that CMR offers beside the file as well, since a reader must not take that for the file."""
    stem = str(name).removesuffix(".h5")
    path = f"{_BUCKET}/ATLAS/{name.product}/{name.release}/{name.time:%Y/%m/%d}/{stem}"
    browse = [
        ("GET RELATED VISUALIZATION", f"{_HTTPS}/{path}_BRW.picture{i}.jpg", "image/jpeg") for i in range(pictures)
    ]
    rows = [
        ("GET DATA", f"{_HTTPS}/{path}.h5", "application/x-hdf5"),
        ("GET DATA VIA DIRECT ACCESS", f"s3://{path}.h5", "application/x-hdf5"),
        ("USE SERVICE API", f"https://opendap.earthdata.nasa.gov/{stem}.h5", "application/x-hdf5"),
        *browse,
        ("EXTENDED METADATA", f"{_HTTPS}/{path}.h5.dmrpp", "application/vnd.opendap.dap4.dmrpp+xml"),
        ("EXTENDED METADATA", f"{_HTTPS}/{path}.iso.xml", "text/xml"),
        ("VIEW RELATED INFORMATION", f"{_HTTPS}/s3credentials", "text/html"),
    ]
    return [{"URL": url, "Type": kind, "MimeType": mime} for kind, url, mime in rows]
