"""`Parameters`: a request's vocabulary as one validated model, and the only place with defaults."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from .errors import ParameterError
from .granule import BEAMS, GROUND_TRACK, track_of
from .parameter_forms import ParameterNotice, as_mapping, renamed, told, without_service_names
from .region import Region, RegionMask
from .vocabulary import (
    ALIASES,
    CLASSES,
    CONFIDENCES,
    GEOLOCATIONS,
    HIGHEST_QUALITY,
    PROJECTIONS,
    QUALITIES,
    SURFACE_TYPES,
    member,
    members,
)

#: Parameters that say which granules are searched for; they change no row of a granule.
SEARCH: Final = frozenset({"t0", "t1", "rgt", "cycle", "region", "release", "name_filter"})


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


# What an int32 of the kernels holds.
_MOST: Final = 2**31 - 1
# Longer than any granule, m.
_FARTHEST: Final = 1e7

_Whole = Annotated[int, BeforeValidator(_no_bool)]
_Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
_Geometry = Annotated[
    Region,
    PlainSerializer(lambda region: region.to_geojson(), return_type=dict[str, Any]),
    WithJsonSchema({"type": "object", "description": "GeoJSON geometry, or SlideRule's list of {lon, lat}"}),
]
_Mask = Annotated[
    RegionMask,
    PlainSerializer(lambda mask: mask.to_json(), return_type=dict[str, Any]),
    WithJsonSchema({"type": "object", "description": "{geojson, cellsize}: a GeoJSON and degrees"}),
]


_Tracks = tuple[Annotated[_Whole, Field(ge=1, le=1387)], ...]
_Cycles = tuple[Annotated[_Whole, Field(ge=1, le=99)], ...]
_Regions = tuple[Annotated[_Whole, Field(ge=1, le=14)], ...]
_Names = tuple[Annotated[str, Field(min_length=1)], ...]
_Release = Annotated[str, Field(pattern=r"^\d{3}$")]


class Yapc(BaseModel):
    """Settings of the photon classifier YAPC (guide, 2.2.3)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: _Whole = Field(
        default=3, ge=0, le=3, description="0 the file's weight_ph, 1 and 2 SlideRule's v2, 3 its v3"
    )
    score: _Whole = Field(default=0, ge=0, le=65535, description="photons with a lower score are dropped")
    knn: _Whole = Field(default=0, ge=0, le=_MOST, description="neighbours of version 1 and 2; 0: computed")
    min_knn: _Whole = Field(default=5, ge=1, le=_MOST, description="least number of neighbours of version 3")
    win_h: _Number = Field(
        default=6.0, ge=0, le=_FARTHEST, description="height of the window, m; version 2: 0 computed"
    )
    win_x: _Number = Field(default=15.0, gt=0, le=_FARTHEST, description="length of the window, m")

    @model_validator(mode="after")
    def _has_a_window(self) -> Yapc:
        if self.version == 3 and self.win_h == 0:
            raise ValueError("win_h 0: the window of version 3 needs a height; versions 1 and 2 compute one")
        return self


class Phoreal(BaseModel):
    """Settings of the vegetation algorithm PhoREAL (guide, 2.6)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    binsize: _Number = Field(default=1.0, gt=0, le=_FARTHEST, description="height of a bin, m")
    geoloc: str = Field(default="median", description="position of an extent: mean, median or center of its photons")
    use_abs_h: bool = Field(default=False, description="heights above the ellipsoid in place of those above ground")
    send_waveform: bool = Field(default=False, description="give the histogram of canopy photons of each extent")
    above_classifier: bool = Field(default=False, description="let the ABoVE classifier name tops of canopy")

    @field_validator("geoloc", mode="before")
    @classmethod
    def _named(cls, value: Any) -> str:
        number = member(value, GEOLOCATIONS)
        return next(name for name, other in GEOLOCATIONS.items() if other == number)


class Parameters(BaseModel):
    """What a request asks for, in SlideRule's words.

    Numbers, names and lists are accepted as SlideRule's requests spell them. A name that does not exist and a value
    that can't be are errors that say what would be right. The defaults are those of SlideRule's user guide
    (section 2.7), `cnf` at 0 and above as in its text.

    Examples
    --------
    >>> from nunatak.pipeline.parameters import Parameters
    >>> p = Parameters.of(cnf="atl03_high", srt="land", beam="gt1l")
    >>> p.cnf, p.srt, p.beams
    ((4,), 0, ('gt1l',))
    >>> Parameters.of(p.to_json()) == p
    True
    >>> Parameters.of(leng=40)
    Traceback (most recent call last):
        ...
    nunatak.pipeline.errors.ParameterError: leng: no such parameter; did you mean 'len'?
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    proj: int = Field(
        default=3,
        description="projection of the region test: 0 north_polar, 1 south_polar, 2 plate_carree, 3 auto",
    )
    poly: _Geometry | None = Field(default=None, description="region of interest; any form that Region.of takes")
    region_mask: _Mask | None = Field(
        default=None,
        description="raster mask {geojson, cellsize in degrees}; decides in place of poly (guide: raster)",
    )
    track: _Whole = Field(default=0, ge=0, le=3, description="reference pair track; 0: all")
    beams: tuple[str, ...] = Field(default=BEAMS, description="beams, by name or number 10 to 60 (guide: beam)")
    srt: int = Field(
        default=3,
        description="surface type of signal_conf_ph: -1 the highest of the five, 0 land, 1 ocean, 2 sea ice, "
        "3 land ice, 4 inland water",
    )
    cnf: tuple[int, ...] = Field(
        default=(0, 1, 2, 3, 4), description="confidences; a single value stands for it and all above"
    )
    quality_ph: tuple[int, ...] = Field(default=(0,), description="photon qualities; a single value stands for itself")
    len: _Number = Field(default=40.0, gt=0, le=_FARTHEST, description="length of an extent, m (or ATL03 segments)")
    res: _Number = Field(
        default=20.0, ge=0.1, le=_FARTHEST, description="step from extent to extent, m (or ATL03 segments)"
    )
    dist_in_seg: bool = Field(default=False, description="len and res are counted in ATL03 segments")
    pass_invalid: bool = Field(default=False, description="keep extents that fail ats or cnt")
    ats: _Number = Field(default=20.0, ge=0, description="least along-track spread of an extent's photons, m")
    cnt: _Whole = Field(default=10, ge=0, le=_MOST, description="least number of photons in an extent")
    maxi: _Whole = Field(
        default=5, ge=1, le=_MOST, description="most fits of an extent; 1 fits once and removes nothing"
    )
    H_min_win: _Number = Field(default=3.0, ge=0, description="least height of the photon window, m")
    sigma_r_max: _Number = Field(default=5.0, ge=0, description="cap on the robust dispersion, m; it rejects nothing")

    yapc: Yapc | None = Field(default=None, description="run the photon classifier YAPC: {score, version, ...}")
    atl08_class: tuple[int, ...] | None = Field(
        default=None,
        description="photons of these ATL08 classes: 0 noise, 1 ground, 2 canopy, 3 top of canopy, 4 unclassified",
    )
    phoreal: Phoreal | None = Field(default=None, description="vegetation: {binsize, geoloc, ...}; classes 1, 2 and 3")
    atl03_geo_fields: _Names = Field(default=(), description="fields of segments, by name or path below the beam")
    atl03_ph_fields: _Names = Field(default=(), description="fields of photons, by name or path below the beam")
    atl08_fields: _Names = Field(
        default=(), description="fields of ATL08 land segments; with % the mean, else the mode"
    )
    field_prefix: bool = Field(
        default=False,
        description="name ancillary columns with prefixes (photon_, segment_, land_) in place of _x and _y",
    )
    each_photon_once: bool = Field(
        default=False, description="atl03: give a photon of several extents in the first only"
    )

    t0: datetime | None = Field(default=None, description="search: granules from this time on, UTC")
    t1: datetime | None = Field(default=None, description="search: granules up to this time, UTC")
    rgt: _Tracks = Field(default=(), description="search: reference ground tracks, 1 to 1387")
    cycle: _Cycles = Field(default=(), description="search: 91-day cycles")
    region: _Regions = Field(default=(), description="search: granule regions, 1 to 14")
    release: _Release | None = Field(default=None, description="search: release, as 006; the newest if left out")
    name_filter: str | None = Field(default=None, min_length=1, description="search: pattern of names, with * and ?")

    @classmethod
    def of(cls, parms: Parameters | Mapping[str, Any] | str | Path | None = None, /, **keywords: Any) -> Parameters:
        """Make parameters from a mapping, JSON text, a JSON file, or keywords; keywords win.

        Raises
        ------
        ParameterError
            A name that does not exist, a value that can't be, or JSON that is none. All of them are named at once.

        Warns
        -----
        ParameterNotice
            For names that only concern the service (`timeout`, `asset`, ...).
        """
        values = without_service_names(renamed({**_given(parms), **keywords}))
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            names = {"": [*cls.model_fields, *ALIASES], "yapc": Yapc.model_fields, "phoreal": Phoreal.model_fields}
            raise ParameterError("; ".join(told(problem, names) for problem in error.errors())) from None

    def to_json(self) -> str:
        """Give all parameters as JSON that `Parameters.of` reads back equal."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True))

    def computing(self) -> Parameters:
        """Give the parameters without those of the search, which no task depends on."""
        return Parameters.model_construct(
            self.model_fields_set - SEARCH, **{name: getattr(self, name) for name in self.model_fields_set - SEARCH}
        )

    def assuming(self, assumed: Mapping[str, Any]) -> Parameters:
        """Give the parameters with what a product assumes where nothing was given."""
        missing = {name: value for name, value in assumed.items() if name not in self.model_fields_set}
        return Parameters.of({**_given(self), **missing}) if missing else self

    @property
    def selected_beams(self) -> tuple[str, ...]:
        """The beams that both `beams` and `track` select."""
        return tuple(beam for beam in self.beams if self.track in {0, track_of(beam)})

    @property
    def given(self) -> frozenset[str]:
        """The parameters that were given another value than their default; a request that was saved names them all."""
        fields = Parameters.model_fields
        return frozenset(n for n in self.model_fields_set if getattr(self, n) != fields[n].get_default())

    @property
    def classes(self) -> tuple[int, ...] | None:
        """The ATL08 classes that photons are selected by; None leaves ATL08 out.

        An explicit `atl08_class` decides; else `phoreal` takes ground, canopy and top of canopy, and `atl08_fields`
        all but the unclassified (guide, 2.5; SlideRule, Icesat2Fields::fromLua).
        """
        if self.atl08_class is not None:
            return self.atl08_class
        if self.phoreal is not None:
            return (1, 2, 3)
        return (0, 1, 2, 3) if self.atl08_fields else None

    def notice_unused(self, product: str, honoured: Iterable[str]) -> None:
        """Warn of parameters that were given and that a product has no use for."""
        unused = sorted(self.given - set(honoured))
        if unused:
            warnings.warn(f"{product} has no use for: {', '.join(unused)}", ParameterNotice, stacklevel=3)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Take a null as not supplied, as SlideRule does."""
        return {name: value for name, value in values.items() if value is not None}

    @field_validator("proj", mode="before")
    @classmethod
    def _projection(cls, value: Any) -> int:
        return member(value, PROJECTIONS)

    @field_validator("poly", mode="before")
    @classmethod
    def _polygon(cls, value: Any, others: ValidationInfo) -> Region:
        # proj stands before poly; it is missing here when it is wrong itself
        return Region.of(value, proj=others.data.get("proj", PROJECTIONS["auto"]))

    @field_validator("region_mask", mode="before")
    @classmethod
    def _mask(cls, value: Any) -> RegionMask:
        return RegionMask.of(value)

    @field_validator("atl08_class", mode="before")
    @classmethod
    def _classes(cls, value: Any) -> tuple[int, ...] | None:
        # an empty list leaves the stage off, as in SlideRule
        return members(value, CLASSES)[0] if isinstance(value, str | int | float) or list(value) else None

    @field_validator("yapc", "phoreal", mode="before")
    @classmethod
    def _settings(cls, value: Any) -> Any:
        """Take a null inside as not supplied, and anything but a mapping as wrong."""
        if isinstance(value, Mapping):
            return {name: setting for name, setting in value.items() if setting is not None}
        return value

    @field_validator("atl03_geo_fields", "atl03_ph_fields", "atl08_fields", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))

    @field_validator("t0", "t1", mode="after")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @field_validator("rgt", "cycle", "region", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return value if isinstance(value, list | tuple | set | range) else [value]

    @field_validator("release", mode="before")
    @classmethod
    def _three_digits(cls, value: Any) -> Any:
        return f"{value:03d}" if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("srt", mode="before")
    @classmethod
    def _surface_type(cls, value: Any) -> int:
        return member(value, SURFACE_TYPES)

    @field_validator("cnf", mode="before")
    @classmethod
    def _confidences(cls, value: Any) -> tuple[int, ...]:
        chosen, single = members(value, CONFIDENCES)
        return tuple(range(chosen[0], 5)) if single else chosen

    @field_validator("quality_ph", mode="before")
    @classmethod
    def _qualities(cls, value: Any) -> tuple[int, ...]:
        return members(value, QUALITIES, range(HIGHEST_QUALITY + 1))[0]

    @field_validator("beams", mode="before")
    @classmethod
    def _beams(cls, value: Any) -> tuple[str, ...]:
        numbers = members(value, GROUND_TRACK)[0]
        return tuple(beam for beam, number in GROUND_TRACK.items() if number in numbers)

    @model_validator(mode="after")
    def _together(self) -> Parameters:
        if not self.selected_beams:
            raise ValueError(f"track {self.track} and beams {', '.join(self.beams)} have no beam in common")
        if self.t0 and self.t1 and self.t0 > self.t1:
            raise ValueError(f"t0 {self.t0:%Y-%m-%dT%H:%M:%SZ} is later than t1 {self.t1:%Y-%m-%dT%H:%M:%SZ}")
        if self.dist_in_seg and self.res < 1:
            raise ValueError(f"res {self.res}: with dist_in_seg the step is at least 1 segment")
        return self


def _given(parms: Parameters | Mapping[str, Any] | str | Path | None) -> dict[str, Any]:
    """Give what was asked for, by name."""
    if isinstance(parms, Parameters):
        return {name: getattr(parms, name) for name in parms.model_fields_set}
    return as_mapping(parms)
