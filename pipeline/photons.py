"""One beam's photons: which segments the region takes, and the rows that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..kernels.segments import find_runs, split_at_gaps
from .reading.granule_file import Want

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .beam import Beam
    from .parameters import Parameters

#: Fields by rate: name -> (dataset of the beam, dtype).
SEGMENT_FIELDS: Final = {
    "segment_id": ("geolocation/segment_id", "i4"),
    "segment_dist_x": ("geolocation/segment_dist_x", "f8"),
    "segment_delta_time": ("geolocation/delta_time", "f8"),
    "solar_elevation": ("geolocation/solar_elevation", "f4"),
    "velocity_sc": ("geolocation/velocity_sc", "f4"),
}
PHOTON_FIELDS: Final = {
    "along": ("heights/dist_ph_along", "f4"),
    "across": ("heights/dist_ph_across", "f4"),
    "height": ("heights/h_ph", "f4"),
    "confidence": ("heights/signal_conf_ph", "i1"),
    "quality": ("heights/quality_ph", "i1"),
    "latitude": ("heights/lat_ph", "f8"),
    "longitude": ("heights/lon_ph", "f8"),
    "delta_time": ("heights/delta_time", "f8"),
}
BACKGROUND_FIELDS: Final = {
    "background_time": ("bckgrd_atlas/delta_time", "f8"),
    "background_rate": ("bckgrd_atlas/bckgrd_rate", "f4"),
}

# Beyond any time (s since 2018) or distance (m); a sum over the photons of a beam stays below the second.
_LARGEST: Final = 1e12
_LARGEST_SUM: Final = 1e24

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SegmentChoice:
    """The segments of a beam that a request takes.

    Attributes
    ----------
    segments
        Row ranges of the per-segment datasets.
    photons
        The same stretches as row ranges of the per-photon datasets.
    photon_count
        Photons of each chosen segment, int32 [S].
    in_mask
        For a raster mask: whether the mask holds each chosen segment's reference photon, uint8 [S].
    """

    segments: Ranges
    photons: Ranges
    photon_count: NDArray[np.int32]
    in_mask: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Photons:
    """All photons of the chosen segments of a beam, in file order, before any filter.

    Attributes
    ----------
    photon_count
        Photons of each segment, int32 [S].
    pieces
        First and end segment of each stretch without a gap, int64 [P, 2], as rows of the arrays here.
    fields
        The arrays by the names of `SEGMENT_FIELDS` [S], `PHOTON_FIELDS` [N] and `BACKGROUND_FIELDS` [B].
    keep
        Photons that the raster mask lets through, uint8 [N]; None where there is no mask.
    segment_rows, rows
        The same as row ranges of the granule's per-segment and per-photon datasets.
    """

    photon_count: NDArray[np.int32]
    pieces: NDArray[np.int64]
    fields: Mapping[str, NDArray[Any]]
    keep: NDArray[np.uint8] | None
    segment_rows: Ranges
    rows: Ranges

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.fields[name]


def read_photons(beam: Beam, parameters: Parameters) -> Photons | None:
    """Read the photons of a beam that lie in the request's region, whole segments by their reference photon.

    Returns
    -------
    Photons, or None when no photon of the beam is in the region.

    Raises
    ------
    ReadError
        With granule, beam and dataset.

    Notes
    -----
    Follows SlideRule's Atl03Reader, except that every run of segments inside the polygon is taken, not the first
    alone, and that a gap in the segment ids begins a new piece (docs/differences.md, 8 and 9).
    """
    choice = choose_segments(beam, parameters)
    if not choice.photons:
        return None
    column = parameters.srt if parameters.srt >= 0 else None
    wants = {
        **_wants(beam, SEGMENT_FIELDS, choice.segments),
        **_wants(beam, PHOTON_FIELDS, choice.photons),
        **_wants(beam, BACKGROUND_FIELDS, None),
    }
    wants["confidence"] = Want(beam.path("heights/signal_conf_ph"), "i1", choice.photons, column)
    fields = beam.read(wants)
    for names in (SEGMENT_FIELDS, PHOTON_FIELDS, BACKGROUND_FIELDS):
        _refuse_other_forms(beam, names, fields, {"velocity_sc": 3, "confidence": 0 if column is not None else 5})
    _refuse_no_numbers(beam, fields)
    if fields["background_rate"].size == 0:
        raise beam.layout_error("bckgrd_atlas/bckgrd_rate", "no rows; the background rate is needed for every fit")
    runs = _rows_after_reading(choice.segments)
    keep = None if choice.in_mask is None else np.repeat(choice.in_mask, choice.photon_count)
    return Photons(
        choice.photon_count, split_at_gaps(fields["segment_id"], runs), fields, keep, choice.segments, choice.photons
    )


def _refuse_no_numbers(beam: Beam, fields: Mapping[str, NDArray[Any]]) -> None:
    """Refuse photons without a time or a place along the track: no extent could hold them, and no row date them."""
    for name in ("delta_time", "along", "segment_dist_x"):
        values = fields[name]
        # one sum tells whether to look closer: it is a number only if all values are
        with np.errstate(all="ignore"):
            suspicious = not abs(float(values.sum(dtype=np.float64))) < _LARGEST_SUM
        odd = np.count_nonzero(~(np.abs(values) < _LARGEST)) if suspicious else 0
        if odd:
            dataset = {**SEGMENT_FIELDS, **PHOTON_FIELDS}[name][0]
            raise beam.layout_error(dataset, f"{odd} values are no numbers, or fill values")


def choose_segments(beam: Beam, parameters: Parameters) -> SegmentChoice:
    """Choose the segments whose reference photons lie in the region; all of them where there is none.

    A raster mask takes everything from its first to its last segment, and its holes are left out photon by photon;
    a polygon takes each run of segments inside it (SlideRule, Atl03Reader: rasterregion, polyregion).
    """
    area = parameters.region_mask or parameters.poly
    names = {"count": ("geolocation/segment_ph_cnt", "i4")}
    if area is not None:
        names["latitude"] = ("geolocation/reference_photon_lat", "f8")
        names["longitude"] = ("geolocation/reference_photon_lon", "f8")
    segments = beam.read(_wants(beam, names, None))
    _refuse_other_forms(beam, names, segments, {})
    count = segments["count"]
    first_photon = _first_photons(beam, count)
    if area is None:
        runs, in_mask = np.array([[0, len(count)]]), None
    else:
        inside = area.contains(segments["longitude"], segments["latitude"])
        runs = find_runs(inside, count)
        in_mask = None
        if parameters.region_mask is not None and len(runs):
            runs = np.array([[runs[0, 0], runs[-1, 1]]])
            in_mask = inside[runs[0, 0] : runs[0, 1]].astype(np.uint8)
    photons = tuple((int(first_photon[a]), int(first_photon[b])) for a, b in runs if first_photon[b] > first_photon[a])
    chosen = tuple((int(a), int(b)) for a, b in runs)
    counts = np.concatenate([count[a:b] for a, b in chosen]) if chosen else count[:0]
    return SegmentChoice(chosen, photons, counts, in_mask)


def _first_photons(beam: Beam, count: NDArray[np.int32]) -> NDArray[np.int64]:
    """Give the first photon of each segment, and the end: running sums, since ph_index_beg can't be trusted."""
    if np.any(count < 0):
        raise beam.layout_error("geolocation/segment_ph_cnt", f"a negative photon count ({count.min()})")
    first = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=first[1:])
    photons = beam.length("heights/h_ph")
    if first[-1] != photons:
        raise beam.layout_error(
            "geolocation/segment_ph_cnt",
            f"the segments count {first[-1]} photons, heights/h_ph holds {photons}",
        )
    return first


def _refuse_other_forms(
    beam: Beam,
    names: Mapping[str, tuple[str, str]],
    arrays: Mapping[str, NDArray[Any]],
    columns: Mapping[str, int],
) -> None:
    """Make sure that datasets of one rate have a number (or so many columns) a row, and all the same rows."""
    first = next(iter(names))
    for name, (dataset, _) in names.items():
        shape, wanted = arrays[name].shape, columns.get(name, 0)
        if len(shape) != 1 + bool(wanted) or (wanted and shape[1] != wanted):
            raise beam.layout_error(dataset, f"its shape is {shape}; it has {wanted or 'no'} columns in a granule")
        if shape[0] != len(arrays[first]):
            raise beam.layout_error(dataset, f"{shape[0]} rows, where {names[first][0]} has {len(arrays[first])}")


def _wants(beam: Beam, names: Mapping[str, tuple[str, str]], rows: Ranges | None) -> dict[str, Want]:
    return {name: Want(beam.path(dataset), dtype, rows) for name, (dataset, dtype) in names.items()}


def _rows_after_reading(ranges: Ranges) -> NDArray[np.int64]:
    """Give the ranges as rows of the arrays that were read, which hold one range after the other."""
    ends = np.cumsum([stop - start for start, stop in ranges])
    return np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1).astype(np.int64)
