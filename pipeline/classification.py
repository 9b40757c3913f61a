"""What classifiers say of a beam's photons: YAPC's scores, and the classes of the ATL08 granule that goes with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..kernels.classification import above_classes, land_rows, land_rows_of_photons, match_classes, take_rows
from ..kernels.yapc import yapc_scores
from .errors import MissingDatasetError
from .reading.granule_file import Want

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .beam import Beam
    from .parameters import Parameters, Yapc
    from .photons import Photons

#: Class of a photon that ATL08 does not have.
UNCLASSIFIED: Final = 4

_SIGNAL_FIELDS: Final = {
    "ph_segment_id": ("signal_photons/ph_segment_id", "i4"),
    "classed_pc_indx": ("signal_photons/classed_pc_indx", "i4"),
    "classed_pc_flag": ("signal_photons/classed_pc_flag", "i1"),
}
_VEGETATION_FIELDS: Final = {
    "ph_h": ("signal_photons/ph_h", "f4"),
    "segment_landcover": ("land_segments/segment_landcover", "i2"),
    "segment_snowcover": ("land_segments/segment_snowcover", "i1"),
}
_LAND_FIELDS: Final = {"segment_id_beg": ("land_segments/segment_id_beg", "i4")}


@dataclass(frozen=True, slots=True)
class Classes:
    """What classifiers say of all photons of a region (P); None where one was not asked.

    Attributes
    ----------
    yapc_score
        uint8 or uint16 (P,).
    atl08_class
        uint8 (P,): 0 noise, 1 ground, 2 canopy, 3 top of canopy, 4 unclassified.
    relief
        float32 (P,), m: height above the ground, or above the ellipsoid with `use_abs_h`.
    landcover, snowcover
        uint8 (P,): flags of the photon's land segment; 255 unknown.
    land_row
        int32 (P,): the photon's land segment, as a row of ATL08's ``land_segments``; -1 none.
    notes
        What a careful reader wants to know.
    """

    yapc_score: NDArray[Any] | None = None
    atl08_class: NDArray[np.uint8] | None = None
    relief: NDArray[np.float32] | None = None
    landcover: NDArray[np.uint8] | None = None
    snowcover: NDArray[np.uint8] | None = None
    land_row: NDArray[np.int32] | None = None
    notes: tuple[str, ...] = ()

    def keep(self, mask: NDArray[np.uint8] | None, parameters: Parameters) -> NDArray[np.bool_] | None:
        """Say which photons the classifiers and the raster mask let through; None is all."""
        kept = [] if mask is None else [mask.astype(np.bool_)]
        if self.atl08_class is not None and parameters.classes is not None:
            kept.append(np.isin(self.atl08_class, parameters.classes))
        if self.yapc_score is not None and parameters.yapc is not None:
            kept.append(self.yapc_score >= parameters.yapc.score)
        return np.logical_and.reduce(kept) if kept else None


def classify(beam: Beam, photons: Photons, parameters: Parameters) -> Classes:
    """Ask the classifiers that a request names.

    Raises
    ------
    ReadError
        When a dataset is missing, or ATL08 is asked for and there is no such granule.
    """
    scores, notes = _scores(beam, photons, parameters)
    if parameters.classes is None:
        return Classes(yapc_score=scores, notes=notes)
    return _atl08_classes(beam, photons, parameters, scores, notes)


def _scores(beam: Beam, photons: Photons, parameters: Parameters) -> tuple[NDArray[Any] | None, tuple[str, ...]]:
    """Score the photons: as the file has it (version 0), or by a kernel."""
    yapc = parameters.yapc
    if yapc is None:
        return None, ()
    if yapc.version == 0:
        return _stored_scores(beam, photons, yapc)
    scores = yapc_scores(
        yapc.version,
        photons.photon_count,
        photons["segment_dist_x"],
        photons["along"],
        photons["height"],
        photons.pieces,
        win_x=yapc.win_x,
        win_h=yapc.win_h,
        min_knn=yapc.min_knn,
        knn=yapc.knn,
        min_photons=parameters.cnt,
    )
    return scores, _beyond(yapc.score, 255, f"YAPC version {yapc.version}")


def _stored_scores(beam: Beam, photons: Photons, yapc: Yapc) -> tuple[NDArray[Any], tuple[str, ...]]:
    path = beam.path("heights/weight_ph")
    if not beam.file.exists(path):
        raise MissingDatasetError(
            "the granule holds no YAPC scores; ask for version 3, which computes them",
            beam.file.address,
            beam.beam,
            path,
        )
    scores = beam.read({"weight_ph": Want(path, rows=photons.rows)})["weight_ph"]
    return scores, _beyond(yapc.score, int(np.iinfo(scores.dtype).max), f"weight_ph of release {beam.name.release}")


def _beyond(score: int, most: int, what: str) -> tuple[str, ...]:
    return (f"yapc.score {score} selects nothing: scores of {what} reach {most}",) if score > most else ()


def _atl08_classes(
    beam: Beam, photons: Photons, parameters: Parameters, scores: NDArray[Any] | None, notes: tuple[str, ...]
) -> Classes:
    """Find the photons in ATL08, and what it says of them."""
    atl08 = _read_atl08(beam, parameters)
    if not atl08:
        return _all_unclassified(beam, photons, parameters, scores, notes)
    found = match_classes(
        photons["segment_id"],
        photons.photon_count,
        atl08["ph_segment_id"],
        atl08["classed_pc_indx"],
        atl08["classed_pc_flag"],
    )
    land_row = None
    if "segment_id_beg" in atl08:
        segments = land_rows(photons["segment_id"], atl08["segment_id_beg"])
        land_row = land_rows_of_photons(found.row, photons.photon_count, segments)
    classes = Classes(scores, found.atl08_class, land_row=land_row, notes=(*notes, *beam.atl08_notes))
    if parameters.phoreal is None or land_row is None:
        return classes
    relief = take_rows(atl08["ph_h"], found.row, missing=0.0)
    if parameters.phoreal.above_classifier:
        above = above_classes(
            found.atl08_class, found.row, photons.photon_count, photons["solar_elevation"], photons["confidence"],
            relief, strong=beam.spot() % 2 == 1,
        )  # fmt: skip
        classes = replace(classes, atl08_class=above)
    return replace(
        classes,
        relief=photons["height"] if parameters.phoreal.use_abs_h else relief,
        landcover=take_rows(atl08["segment_landcover"].astype(np.uint8), land_row),
        snowcover=take_rows(atl08["segment_snowcover"].astype(np.uint8), land_row),
    )


def _read_atl08(beam: Beam, parameters: Parameters) -> dict[str, NDArray[Any]]:
    """Read what a request needs of ATL08; nothing, where it has no such beam."""
    fields = dict(_SIGNAL_FIELDS)
    if parameters.phoreal is not None:
        fields |= _VEGETATION_FIELDS
    if parameters.phoreal is not None or parameters.atl08_fields:
        fields |= _LAND_FIELDS
    wants = {name: Want(beam.path(path), dtype, required=False) for name, (path, dtype) in fields.items()}
    atl08 = beam.read_atl08(wants)
    for name in fields.keys() - atl08.keys() if atl08 else ():
        raise MissingDatasetError("ATL08 lacks it", beam.atl08, beam.beam, beam.path(fields[name][0]))
    return atl08


def _all_unclassified(
    beam: Beam, photons: Photons, parameters: Parameters, scores: NDArray[Any] | None, notes: tuple[str, ...]
) -> Classes:
    """Leave all photons unclassified: an ATL08 granule has no group of a beam that saw no land."""
    count = len(photons["height"])
    unknown = np.full(count, 255, np.uint8)
    nothing = np.zeros(count, np.float32)
    return Classes(
        scores,
        np.full(count, UNCLASSIFIED, np.uint8),
        photons["height"] if parameters.phoreal is not None and parameters.phoreal.use_abs_h else nothing,
        unknown,
        unknown,
        np.full(count, -1, np.int32),
        (*notes, *beam.atl08_notes, f"its ATL08 granule has no photons of {beam.beam}: all are unclassified"),
    )
