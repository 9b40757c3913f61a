"""Ancillary fields: more datasets of ATL03 and ATL08, found by name and paired with the photons that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from ..kernels.classification import take_rows
from .errors import LayoutError, ParameterError, ReadError
from .reading.granule_file import GranuleFile, Want

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .beam import Beam
    from .classification import Classes
    from .parameters import Parameters
    from .photons import Photons

Source = Literal["photon", "segment", "land"]

# Parameter -> where its fields come from, and the groups in which a bare name is looked for.
_LISTS: Final[dict[str, tuple[Source, tuple[str, ...]]]] = {
    "atl03_ph_fields": ("photon", ("heights",)),
    "atl03_geo_fields": ("segment", ("geolocation", "geophys_corr")),
    "atl08_fields": ("land", ("land_segments",)),
}
#: Parameters that name ancillary fields.
HONOURS: Final = frozenset({*_LISTS, "field_prefix"})

# Granules that are looked into for fields that others before them lack.
_MOST_PROBES: Final = 10
# Names that begin so are of geophys_corr (SlideRule, Atl03Reader: Atl03Data).
_CORRECTIONS: Final = ("tid", "geo", "dem", "dac")
# Names that atl03, atl06 and atl08 give of themselves and that a plan can't rename are told by `_x` and `_y`.
_OWN, _ADDED = "_x", "_y"


@dataclass(frozen=True, slots=True)
class AncillaryField:
    """One field that a request adds.

    Attributes
    ----------
    column
        The result's column.
    source
        ``"photon"`` or ``"segment"`` of ATL03, or ``"land"`` segment of ATL08.
    dataset
        Below the beam's group: ``"geolocation/solar_elevation"``.
    mean
        Whether a product of extents gives the mean, not the mode (a ``%`` behind the name).
    dtype
        The dataset's type, as far as a granule of the plan tells; ``"float64"`` otherwise.
    """

    column: str
    source: Source
    dataset: str
    mean: bool = False
    dtype: str = "float64"


class Probe(NamedTuple):
    """A granule that may be looked into while a request is planned: its address, its ATL08's, and beams."""

    address: str
    atl08: str
    beams: tuple[str, ...]


def resolve_fields(parameters: Parameters, own: Iterable[str], probes: Iterable[Probe]) -> tuple[AncillaryField, ...]:
    """Find the datasets of a request's ancillary fields, and their types, in the first granules that can tell.

    Parameters
    ----------
    parameters
        The request.
    own
        Columns that the product has of itself: a field of the same name becomes ``name_y``, its column ``name_x``.
    probes
        Granules of the plan.

    Raises
    ------
    ParameterError
        When none of the first granules has such a dataset; with names that are near.
    """
    named = [(source, groups, name) for p, (source, groups) in _LISTS.items() for name in getattr(parameters, p)]
    if not named:
        return ()
    look = _Look()
    for probe in islice(probes, _MOST_PROBES):
        look.into(probe)
        if all(look.has(source, groups, name) for source, groups, name in named):
            break
    taken = set(own)
    return tuple(
        _resolved(look, source, groups, name, taken, prefix=parameters.field_prefix) for source, groups, name in named
    )


def renamed_columns(own: Iterable[str], fields: Iterable[AncillaryField]) -> dict[str, str]:
    """Give the new names of a product's own columns that clash with ancillary ones: ``name`` -> ``name_x``."""
    clashing = {field.column.removesuffix(_ADDED) for field in fields if field.column.endswith(_ADDED)}
    return {name: name + _OWN for name in own if name in clashing}


@dataclass(slots=True)
class _Look:
    """What was seen of the granules: datasets below a beam, with their types; empty where none could be looked into."""

    atl03: dict[str, str] = field(default_factory=dict)
    atl08: dict[str, str] = field(default_factory=dict)

    def into(self, probe: Probe) -> None:
        """Look into one more granule; what was seen first stands."""
        self.atl03 = _datasets(probe.address, probe.beams) | self.atl03
        if probe.atl08:
            self.atl08 = _datasets(probe.atl08, probe.beams) | self.atl08

    def seen(self, source: Source) -> dict[str, str]:
        return self.atl08 if source == "land" else self.atl03

    def has(self, source: Source, groups: tuple[str, ...], name: str) -> bool:
        return any(path in self.seen(source) for path in _candidates(groups, name.removesuffix("%").strip("/")))


def _datasets(address: str, beams: Iterable[str]) -> dict[str, str]:
    """List the datasets of a granule's first beam that has any: path below the beam -> type."""
    found: dict[str, str] = {}
    try:
        with GranuleFile(address) as file:
            for beam in (beam for beam in beams if beam in file.beams):
                for group in _groups(file, beam):
                    for name in file.datasets(group):
                        path = f"{group}/{name}"
                        found[path.removeprefix(f"{beam}/")] = file.describe(path).dtype
                if found:
                    break
    except ReadError:
        return {}  # the task that reads this granule will say what is wrong with it
    return found


def _groups(file: GranuleFile, group: str) -> list[str]:
    inner = [f"{group}/{name}" for name in file.groups(group)]
    return [group, *(deeper for child in inner for deeper in _groups(file, child))]


def _resolved(
    look: _Look, source: Source, groups: tuple[str, ...], name: str, taken: set[str], *, prefix: bool
) -> AncillaryField:
    mean, bare = name.endswith("%"), name.removesuffix("%").strip("/")
    if mean and source != "land":
        raise ParameterError(f"{name}: % asks for a mean of ATL08 fields; ATL03 fields have none")
    seen = look.seen(source)
    dataset = _dataset(seen, groups, bare)
    clash = not prefix and name in taken
    column = f"{source}_{name}" if prefix else name + _ADDED * clash
    if column in taken:
        raise ParameterError(f"{name}: the result has two columns {column}; name them with field_prefix")
    taken.add(column)
    kind = np.dtype(seen[dataset]) if dataset in seen else np.dtype("f8")
    return AncillaryField(column, source, dataset, mean, kind.newbyteorder("=").name)


def _dataset(seen: Mapping[str, str], groups: tuple[str, ...], name: str) -> str:
    """Find the dataset that a name means: a path, or a name in one of its groups."""
    candidates = _candidates(groups, name)
    if not seen:
        return candidates[0]
    for candidate in candidates:
        if candidate in seen:
            return candidate
    raise ParameterError(f"{name}: no such field in {' or '.join(groups)}{_near(seen, groups, name)}")


def _candidates(groups: tuple[str, ...], name: str) -> list[str]:
    """List the paths below a beam that a name may mean, the likeliest first."""
    if "/" in name:
        return [name, *(f"{group}/{name}" for group in groups)]
    first = sorted(groups, key=lambda group: (group == "geophys_corr") != name.startswith(_CORRECTIONS))
    return [f"{group}/{name}" for group in first]


def _near(seen: Mapping[str, str], groups: tuple[str, ...], name: str) -> str:
    """Suggest the field that was probably meant, as a request would name it."""
    short = {path: path.removeprefix(f"{group}/") for path in seen for group in groups if path.startswith(f"{group}/")}
    last = {path.rpartition("/")[2]: short.get(path, path) for path in reversed([*seen])}
    for known in (last, {value: value for value in short.values()}):
        close = get_close_matches(name.rpartition("/")[2] if known is last else name, known, n=1, cutoff=0.6)
        if close:
            return f"; did you mean {known[close[0]]!r}?"
    return ""


@dataclass(frozen=True, slots=True)
class FieldValues:
    """The values of one field, and how they belong to photons.

    Attributes
    ----------
    field
        Which.
    values
        One value a photon (P,), a segment (S,) or a land segment (L,), in the dataset's type.
    row
        int (P,): each photon's row of `values`, -1 none; None where there is one value a photon.
    """

    field: AncillaryField
    values: NDArray[Any]
    row: NDArray[np.int32] | None

    def of_all(self) -> NDArray[Any]:
        """Give the values of all photons."""
        return self.values if self.row is None else take_rows(self.values, self.row)

    def of(self, photon: NDArray[Any]) -> NDArray[Any]:
        """Give the values of photons; a photon without one has all bits set: -1, the highest number, or NaN."""
        return self.values[photon] if self.row is None else take_rows(self.values, self.row[photon])


def read_fields(beam: Beam, photons: Photons, classes: Classes, fields: Iterable[AncillaryField]) -> list[FieldValues]:
    """Read the ancillary fields of a beam.

    Raises
    ------
    ReadError
        When the granule lacks one, or its rows are neither photons nor segments (of ATL08: not land segments).
    """
    fields = list(fields)
    if not fields:
        return []
    segment = np.repeat(np.arange(len(photons.photon_count), dtype=np.int32), photons.photon_count)
    atl03 = {field: _want(beam, photons, field) for field in fields if field.source != "land"}
    values = beam.read({field.column: want for field, (want, _) in atl03.items()})
    land = [field for field in fields if field.source == "land"]
    if land:
        values |= _read_land(beam, land)
    rows: dict[AncillaryField, NDArray[np.int32] | None] = {
        field: None if rate == "photon" else segment for field, (_, rate) in atl03.items()
    }
    return [FieldValues(field, values[field.column], rows.get(field, classes.land_row)) for field in fields]


def _read_land(beam: Beam, fields: Iterable[AncillaryField]) -> dict[str, NDArray[Any]]:
    """Read fields of land segments; of those with columns the first."""
    segments = "land_segments/segment_id_beg"
    wants = {field.dataset: Want(beam.path(field.dataset)) for field in fields}
    read = beam.read_atl08({segments: Want(beam.path(segments)), **wants})
    for dataset, values in read.items():
        if values.ndim == 0 or len(values) != len(read[segments]):
            reason = f"its shape is {values.shape}, where the beam has {len(read[segments])} land segments"
            raise LayoutError(reason, beam.atl08, beam.beam, beam.path(dataset))
    return {f.column: read[f.dataset] if read[f.dataset].ndim == 1 else read[f.dataset][:, 0] for f in fields}


def as_planned(beam: Beam, field: AncillaryField, values: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Give a field's values in the type that the plan has of it, from another granule.

    Raises
    ------
    LayoutError
        When that type can't hold them: releases differ in the types of some datasets.
    """
    if np.can_cast(values.dtype, dtype):
        return values.astype(dtype, copy=False)
    with np.errstate(invalid="ignore"):
        held = values.astype(dtype)
    if not np.array_equal(held, values, equal_nan=values.dtype.kind == "f"):
        reason = (
            f"values of type {values.dtype.name} that {dtype} can't hold, the type in another granule of the plan; "
            "ask for releases one by one"
        )
        address = beam.atl08 if field.source == "land" else beam.file.address
        raise LayoutError(reason, address, beam.beam, beam.path(field.dataset))
    return held


def _want(beam: Beam, photons: Photons, field: AncillaryField) -> tuple[Want, Source]:
    """Say which rows of a dataset are wanted, by its own length: one a photon, or one a segment."""
    rows, column = beam.length(field.dataset), beam.first_column(field.dataset)
    path = beam.path(field.dataset)
    rates: dict[Source, tuple[int, Any]] = {
        "photon": (beam.length("heights/h_ph"), photons.rows),
        "segment": (beam.length("geolocation/segment_id"), photons.segment_rows),
    }
    for rate in (field.source, "photon", "segment"):
        if rate in rates and rates[rate][0] == rows:
            return Want(path, rows=rates[rate][1], column=column), rate
    raise beam.layout_error(field.dataset, f"{rows} rows, which are neither photons nor segments")
