"""The vocabulary of a request: every spelling that is right, and what is said of those that are not."""

from __future__ import annotations

import json
import pickle
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from nunatak.pipeline.errors import InputError, ParameterError
from nunatak.pipeline.parameter_forms import ParameterNotice
from nunatak.pipeline.parameters import Parameters
from nunatak.pipeline.region import Region
from nunatak.pipeline.vocabulary import KNOWN_ELSEWHERE, SERVICE_NAMES

BEAMS = ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")
RING = [(-108.3, 38.8), (-107.7, 38.8), (-107.7, 39.2), (-108.3, 39.2), (-108.3, 38.8)]
GEOJSON = {"type": "Polygon", "coordinates": [RING]}

# SlideRule user guide, section 2.7; cnf 0 as in its text (2.2.1), that is 0 and all above
GUIDE = {
    "poly": None,
    "region_mask": None,
    "proj": 3,
    "track": 0,
    "beams": BEAMS,
    "srt": 3,
    "cnf": (0, 1, 2, 3, 4),
    "quality_ph": (0,),
    "len": 40.0,
    "res": 20.0,
    "dist_in_seg": False,
    "pass_invalid": False,
    "ats": 20.0,
    "cnt": 10,
    "maxi": 5,
    "H_min_win": 3.0,
    "sigma_r_max": 5.0,
}


def test_defaults_are_those_of_the_guide() -> None:
    values = Parameters.of().model_dump()
    assert {name: values[name] for name in GUIDE} == GUIDE
    # classifiers, ancillary fields and the search choose nothing unless they are given
    assert all(value in (None, (), False) for name, value in values.items() if name not in GUIDE)
    assert Parameters.of({}) == Parameters.of(None) == Parameters.of("{}") == Parameters()


# -- spellings --------------------------------------------------------------------------------------------------------

CONFIDENCE_NAMES = ["tep", "not_considered", "background", "within_10m", "low", "medium", "high"]
SURFACES = {"dynamic": -1, "land": 0, "ocean": 1, "sea_ice": 2, "land_ice": 3, "inland_water": 4}
QUALITIES = ["nominal", "afterpulse", "impulse_response", "tep"]


@pytest.mark.parametrize(("level", "name"), list(enumerate(CONFIDENCE_NAMES, start=-2)))
def test_a_single_confidence_stands_for_it_and_all_above(level: int, name: str) -> None:
    spellings = [level, float(level), str(level), f"{level}.0", name, name.upper(), f"atl03_{name}", f" ATL03_{name} "]
    spellings += [np.int8(level), np.int64(level), np.float32(level)]
    for value in spellings:
        assert Parameters.of(cnf=value).cnf == tuple(range(level, 5)), repr(value)


@pytest.mark.parametrize(("level", "name"), list(enumerate(CONFIDENCE_NAMES, start=-2)))
def test_a_list_of_confidences_stands_for_itself(level: int, name: str) -> None:
    for value in ([level], (name,), {f"atl03_{name}"}, np.array([level]), iter([float(level)])):
        assert Parameters.of(cnf=value).cnf == (level,)


def test_lists_are_sorted_and_hold_each_member_once() -> None:
    assert Parameters.of(cnf=["high", 0, "4", 2.0, "atl03_background"]).cnf == (0, 2, 4)
    assert Parameters.of(cnf=range(3, 5)).cnf == (3, 4)


@pytest.mark.parametrize(("name", "number"), list(SURFACES.items()))
def test_surface_types(name: str, number: int) -> None:
    for value in (number, float(number), str(number), name, name.upper(), np.int8(number)):
        assert Parameters.of(srt=value).srt == number


@pytest.mark.parametrize(("number", "name"), list(enumerate(QUALITIES)))
def test_a_quality_stands_for_itself(number: int, name: str) -> None:
    for value in (number, str(number), name, f"atl03_quality_{name}", [number], (f"atl03_quality_{name}",)):
        assert Parameters.of(quality_ph=value).quality_ph == (number,)


def test_qualities_reach_25_as_in_release_007() -> None:
    assert Parameters.of(quality_ph=25).quality_ph == (25,)
    assert Parameters.of(quality_ph=list(range(26))).quality_ph == tuple(range(26))


@pytest.mark.parametrize(("i", "beam"), list(enumerate(BEAMS)))
def test_beams_by_name_and_number_and_by_the_guides_name(i: int, beam: str) -> None:
    for value in (beam, beam.upper(), 10 * (i + 1), str(10 * (i + 1)), [beam], [10.0 * (i + 1)]):
        assert Parameters.of(beams=value).beams == (beam,)
        assert Parameters.of(beam=value).beams == (beam,)


def test_beams_come_in_the_order_of_every_table() -> None:
    assert Parameters.of(beams=["gt3r", 10, "gt2l"]).beams == ("gt1l", "gt2l", "gt3r")


def test_track_and_beams_must_both_match() -> None:
    assert Parameters.of(track=0).selected_beams == BEAMS
    assert Parameters.of(track=2).selected_beams == ("gt2l", "gt2r")
    assert Parameters.of(track=2, beams=["gt1l", "gt2r"]).selected_beams == ("gt2r",)
    with pytest.raises(ParameterError, match="track 3 and beams gt1l, gt2r have no beam in common"):
        Parameters.of(track=3, beams=["gt1l", "gt2r"])


@pytest.mark.parametrize("name", ["track", "cnt", "maxi"])
@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0", np.int16(3), np.float64(3)])
def test_whole_numbers(name: str, value: Any) -> None:
    got = getattr(Parameters.of({name: value}), name)
    assert got == 3
    assert type(got) is int


@pytest.mark.parametrize("name", ["len", "res", "ats", "H_min_win", "sigma_r_max"])
@pytest.mark.parametrize("value", [8, 8.0, "8", "8.0", np.int16(8), np.float32(8)])
def test_numbers(name: str, value: Any) -> None:
    got = getattr(Parameters.of({name: value}), name)
    assert got == 8.0
    assert type(got) is float


@pytest.mark.parametrize("name", ["dist_in_seg", "pass_invalid"])
def test_switches(name: str) -> None:
    for value in (True, 1, "true", np.True_):
        assert getattr(Parameters.of({name: value}), name) is True
    for value in (False, 0, "false", np.False_):
        assert getattr(Parameters.of({name: value}), name) is False


@pytest.mark.parametrize(("name", "number"), [("north_polar", 0), ("south_polar", 1), ("plate_carree", 2), ("auto", 3)])
def test_projections(name: str, number: int) -> None:
    assert Parameters.of(proj=name).proj == Parameters.of(proj=number).proj == number


def test_null_counts_as_not_supplied() -> None:
    assert (
        Parameters.of(dict.fromkeys(Parameters.model_fields)) == Parameters.of(beam=None, raster=None) == Parameters()
    )
    assert Parameters.of('{"cnf": null, "beam": null, "yapc": null}') == Parameters()
    assert Parameters.of(cnf=None).model_fields_set == set()


# -- regions ----------------------------------------------------------------------------------------------------------


def test_a_polygon_in_any_form_is_one_region() -> None:
    sliderule = [{"lon": lon, "lat": lat} for lon, lat in RING]
    frame = gpd.GeoDataFrame(geometry=[box(-108.3, 38.8, -107.7, 39.2)], crs="EPSG:4326")
    wanted = Region.of(RING)
    for poly in (RING, sliderule, GEOJSON, json.dumps(GEOJSON), frame, (-108.3, 38.8, -107.7, 39.2), wanted):
        assert Parameters.of(poly=poly).poly == wanted


def test_a_polygon_file(tmp_path: Path) -> None:
    path = tmp_path / "mesa.geojson"
    path.write_text(json.dumps(GEOJSON))
    assert Parameters.of(poly=path).poly == Parameters.of(poly=str(path)).poly == Region.of(RING)


def test_proj_decides_the_plane_of_the_polygon() -> None:
    for proj, plane in (
        (0, "north_polar"),
        ("plate_carree", "plate_carree"),
        (3, "plate_carree"),
        (None, "plate_carree"),
    ):
        poly = Parameters.of(poly=RING, proj=proj).poly
        assert poly is not None
        assert poly.proj == plane
    arctic = Parameters.of(poly=[(0, 80), (10, 80), (10, 82)]).poly
    assert arctic is not None
    assert arctic.proj == "north_polar"


@pytest.mark.parametrize("name", ["raster", "region_mask"])
def test_a_raster_mask_by_both_names(name: str) -> None:
    mask = Parameters.of({name: {"geojson": json.dumps(GEOJSON), "cellsize": 0.1, "length": 400}}).region_mask
    assert mask is not None
    assert mask.cellsize == 0.1
    assert mask.contains([-108.0, -107.0], [39.0, 39.0]).tolist() == [True, False]


# -- what is wrong ----------------------------------------------------------------------------------------------------

WRONG: list[tuple[str, Any, str]] = [
    # name, value, what must be said beside the name
    ("cnf", 5, "5 is none of -2 atl03_tep.*4 atl03_high"),
    ("cnf", "hihg", "'hihg' is none of.*did you mean 'high'"),
    ("cnf", "atl03_hgih", "did you mean 'atl03_high'"),
    ("cnf", 3.5, "3.5 is none of"),
    ("cnf", "--4", "'--4' is none of"),
    ("cnf", "²", "'²' is none of"),
    ("cnf", [0, 9], "9 is none of"),
    ("cnf", [], "empty list selects nothing"),
    ("cnf", True, "True is none of"),
    ("cnf", [False], "False is none of"),
    ("cnf", {"high": 1}, "neither a name, a number nor a list"),
    ("cnf", b"high", "neither a name, a number nor a list"),
    ("cnf", object(), "neither a name, a number nor a list"),
    ("cnf", np.array(3), "neither a name, a number nor a list"),
    ("cnf", [[3]], r"\[3\] is none of"),
    ("cnf", float("nan"), "nan is none of"),
    ("cnf", float("inf"), "inf is none of"),
    ("srt", 5, "5 is none of -1 dynamic"),
    ("srt", [3], r"\[3\] is none of"),
    ("srt", "landice", "did you mean 'land_ice'"),
    ("srt", True, "True is none of"),
    ("quality_ph", 26, "26 is none of.*up to 25"),
    ("quality_ph", -1, "-1 is none of"),
    ("quality_ph", [], "empty list"),
    ("quality_ph", "high", "'high' is none of"),
    ("beams", "gt4l", "'gt4l' is none of 10 gt1l.*did you mean 'gt"),
    ("beams", [], "empty list"),
    ("beams", 15, "15 is none of"),
    ("beams", "gt1l,gt2l", "is none of"),
    ("beams", None.__class__, "neither a name, a number nor a list"),
    ("proj", "north", "did you mean 'north_polar'"),
    ("proj", 4, "4 is none of 0 north_polar"),
    ("track", 4, "less than or equal to 3, not 4"),
    ("track", -1, "greater than or equal to 0, not -1"),
    ("track", 1.5, "not 1.5"),
    ("track", True, "True is no number"),
    ("cnt", -1, "greater than or equal to 0, not -1"),
    ("cnt", 10.5, "valid integer.*not 10.5"),
    ("cnt", "ten", "valid integer.*not 'ten'"),
    ("cnt", float("nan"), "finite number, not nan"),
    ("cnt", float("inf"), "finite number, not inf"),
    ("cnt", np.True_, "no number"),
    ("cnt", 2**31, "less than or equal to 2147483647"),
    ("cnt", [10], r"not \[10\]"),
    ("maxi", 0, "greater than or equal to 1, not 0"),
    ("maxi", 10**30, "less than or equal to"),
    ("len", 0, "greater than 0, not 0"),
    ("len", -40.0, "greater than 0, not -40.0"),
    ("len", 1e300, "less than or equal to 10000000"),
    ("len", float("nan"), "not nan"),
    ("len", float("inf"), "less than or equal to 10000000, not inf"),
    ("len", "nan", "not 'nan'"),
    ("len", False, "False is no number"),
    ("len", "forty", "valid number.*not 'forty'"),
    ("len", 10**400, "valid number, not 1000"),
    ("len", {}, "not {}"),
    ("res", 0.05, "greater than or equal to 0.1, not 0.05"),
    ("res", 1e8, "less than or equal to 10000000"),
    ("ats", -0.1, "greater than or equal to 0, not -0.1"),
    ("ats", float("inf"), "finite"),
    ("H_min_win", -3, "greater than or equal to 0"),
    ("H_min_win", float("nan"), "not nan"),
    ("sigma_r_max", -1, "greater than or equal to 0"),
    ("sigma_r_max", "5 m", "not '5 m'"),
    ("dist_in_seg", "maybe", "boolean.*not 'maybe'"),
    ("dist_in_seg", 2, "boolean.*not 2"),
    ("pass_invalid", [], r"boolean.*not \[\]"),
    ("poly", [], "empty"),
    ("poly", 5, "can't be made of int"),
    ("poly", "nowhere.geojson", "does not exist"),
    ("poly", [{"lon": 0, "lat": 0}], "at least 3"),
    ("poly", [(0, 0), (1, float("nan")), (1, 1)], "finite"),
    ("region_mask", 5, "'cellsize': degrees}, not 5"),
    ("region_mask", {"geojson": GEOJSON}, "not .'geojson'."),
    ("region_mask", {"geojson": GEOJSON, "cellsize": 0}, "cellsize is 0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_value_is_an_error_that_names_parameter_value_and_remedy(name: str, value: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=f"^{name}: .*{said}"):
        Parameters.of({name: value})


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("h_min_win", "H_min_win"),
        ("sigma_r", "sigma_r_max"),
        ("leng", "len"),
        ("quality", "quality_ph"),
        ("beems", "beams"),
        ("rastr", "raster"),
        ("CNF", "cnf"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_right_one(name: str, right: str) -> None:
    with pytest.raises(ParameterError, match=f"^{name}: no such parameter; did you mean '{right}'"):
        Parameters.of({name: 1})


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters.of(xyzzy=1)
    assert str(caught.value) == "xyzzy: no such parameter"


@pytest.mark.parametrize("name", sorted(KNOWN_ELSEWHERE - set(Parameters.model_fields)))
def test_what_sliderule_knows_and_nothing_here_honours_is_refused_as_such(name: str) -> None:
    with pytest.raises(ParameterError, match=f"^{name}: a parameter of SlideRule that this version .* does not honour"):
        Parameters.of({name: {"score": 100}})


def test_every_name_of_the_vocabulary_has_one_place() -> None:
    names = [set(Parameters.model_fields) | {"beam", "raster"}, set(KNOWN_ELSEWHERE), set(SERVICE_NAMES)]
    assert sum(len(group) for group in names) == len(set().union(*names))
    guide = {*GUIDE, "beam", "raster", "rgt", "cycle", "region", "t0", "t1", "atl08_class", "yapc", "phoreal"}
    guide |= {"atl03_geo_fields", "atl03_ph_fields", "atl06_fields", "atl08_fields", "asset", "timeout", "samples"}
    assert guide <= set().union(*names)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters.of(len=-1, ats="x", leng=2, cnf=9, poly=5, proj="north", yapc=3, samples={}, region_mask=1, beams=[])
    problems = str(caught.value).split("; ")
    told = {problem.split(":")[0] for problem in problems}
    assert {"len", "ats", "leng", "cnf", "poly", "proj", "yapc", "samples", "region_mask", "beams"} <= told


def test_yapc_3_needs_a_window() -> None:
    with pytest.raises(ParameterError, match=r"^yapc: win_h 0: the window of version 3 needs a height"):
        Parameters.of(yapc={"win_h": 0})
    assert Parameters.of(yapc={"win_h": 0, "version": 2}).yapc


def test_long_values_are_shortened_in_errors() -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters.of(len=list(range(100_000)), cnf="x" * 100_000)
    assert len(str(caught.value)) < 600


def test_both_spellings_of_one_parameter_are_a_contradiction() -> None:
    with pytest.raises(ParameterError, match="beam and beams are one parameter"):
        Parameters.of(beam="gt1l", beams="gt2l")
    with pytest.raises(ParameterError, match="raster and region_mask are one parameter"):
        Parameters.of(raster={}, region_mask={})


def test_steps_of_less_than_a_segment() -> None:
    assert Parameters.of(res=1, len=2, dist_in_seg=True).res == 1
    with pytest.raises(ParameterError, match=r"res 0\.5: with dist_in_seg"):
        Parameters.of(res=0.5, dist_in_seg=True)


def test_parameter_errors_are_input_and_value_errors() -> None:
    assert issubclass(ParameterError, InputError)
    assert issubclass(ParameterError, ValueError)


# -- where they come from ---------------------------------------------------------------------------------------------


def test_a_file_text_a_mapping_and_keywords_say_the_same(tmp_path: Path) -> None:
    request = {"cnf": "atl03_high", "srt": "land", "len": 20, "beam": ["gt1l"]}
    path = tmp_path / "request.json"
    path.write_text(json.dumps(request))
    marked = tmp_path / "marked.json"
    marked.write_text(json.dumps(request), encoding="utf-8-sig")
    wanted = Parameters.of(request)
    for form in (path, str(path), marked, json.dumps(request), "  \n" + json.dumps(request), wanted):
        assert Parameters.of(form) == wanted
    assert Parameters.of(**request) == wanted


def test_keywords_win() -> None:
    assert Parameters.of({"cnf": 1, "len": 20}, cnf=4) == Parameters.of(cnf=4, len=20)
    assert Parameters.of(Parameters.of(cnf=1, len=20), cnf=4) == Parameters.of(cnf=4, len=20)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"cnf": 4', "^parameters: not JSON: .*column"),
        ("{cnf: 4}", "^parameters: not JSON"),
        ("[1, 2]", r"^parameters: parameters are a JSON object.*not \[1, 2\]"),
        ('{"cnf": 4, "cnf": 2}', "cnf is there twice"),
        ("[" * 100_000, "^parameters: not JSON"),
        ('{"cnt": ' + "9" * 5000 + "}", "^parameters: not JSON"),
        ('{"len": NaN}', "^len: .*not nan"),
        ('{"len": 1e999}', "^len: .*not inf"),
        ("nowhere.json", "'nowhere.json': neither JSON text nor a file.*No such file"),
        ("", "neither JSON text nor a file"),
        ("\0", "neither JSON text nor a file"),
        ("x" * 5000, "neither JSON text nor a file"),
        (5, "^5: parameters are a mapping"),
        (["cnf"], "parameters are a mapping"),
        ({1: 2}, "^1: keys should be strings"),
    ],
    ids=range(15),
)
def test_what_is_no_request(text: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        Parameters.of(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "broken.json: not JSON: .*line 1"),
        (b"\xff\xfe\x00", "neither JSON text nor a file that can be read"),
        (b"4", "broken.json: parameters are a JSON object.*not 4"),
        (b"", "broken.json: not JSON"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match=said):
        Parameters.of(path)


def test_names_of_the_service_are_accepted_with_a_notice() -> None:
    with pytest.warns(ParameterNotice, match="change nothing here: asset, max_resources, node-timeout, timeout"):
        given = Parameters.of({"asset": "icesat2", "timeout": 600, "node-timeout": 1, "max_resources": 5, "cnf": 4})
    assert given == Parameters.of(cnf=4)


def test_a_product_says_which_parameters_it_has_no_use_for() -> None:
    given = Parameters.of(maxi=3, cnf=4, H_min_win=2)
    with pytest.warns(ParameterNotice, match="^atl03 has no use for: H_min_win, maxi$"):
        given.notice_unused("atl03", {"cnf", "len"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given.notice_unused("atl06", set(GUIDE))
        Parameters.of().notice_unused("atl03", set())
        # a request that was saved names all parameters, and asks for nothing by their defaults
        Parameters.of(Parameters.of(cnf=4).to_json()).notice_unused("atl03", {"cnf"})
        Parameters.of(maxi=5).notice_unused("atl03", set())


# -- what they can do -------------------------------------------------------------------------------------------------

finite = {"allow_nan": False, "allow_infinity": False}
requests = st.fixed_dictionaries(
    {},
    optional={
        "proj": st.integers(0, 3),
        "poly": st.just(RING) | st.just([(-60.0, 71.0), (-50.0, 71.0), (-50.0, 75.0)]),
        "region_mask": st.just({"geojson": GEOJSON, "cellsize": 0.05}),
        "track": st.integers(0, 3),
        "srt": st.sampled_from([*SURFACES, *SURFACES.values()]),
        "cnf": st.integers(-2, 4) | st.lists(st.integers(-2, 4), min_size=1),
        "quality_ph": st.integers(0, 25) | st.lists(st.integers(0, 25), min_size=1),
        "len": st.floats(0, 1e7, exclude_min=True, **finite),
        "res": st.floats(1, 1e7, **finite),
        "dist_in_seg": st.booleans(),
        "pass_invalid": st.booleans(),
        "ats": st.floats(0, **finite),
        "cnt": st.integers(0, 2**31 - 1),
        "maxi": st.integers(1, 2**31 - 1),
        "H_min_win": st.floats(0, **finite),
        "sigma_r_max": st.floats(0, **finite),
    },
)


@given(requests)
def test_json_gives_back_what_was_put_in(request: dict[str, Any]) -> None:
    parameters = Parameters.of(request)
    again = Parameters.of(parameters.to_json())
    assert again == parameters
    assert again.to_json() == parameters.to_json()
    assert Parameters.of(parameters) == parameters


@given(requests)
def test_a_pickled_copy_is_equal_and_has_the_same_hash(request: dict[str, Any]) -> None:
    parameters = Parameters.of(request)
    copy = pickle.loads(pickle.dumps(parameters))
    assert copy == parameters
    assert hash(copy) == hash(parameters)
    assert copy.model_fields_set == parameters.model_fields_set


junk = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text("-0.9e{[gt1lx", max_size=5)
    | st.binary(max_size=3)
)
junk |= st.lists(junk, max_size=3)
names = st.sampled_from([*GUIDE, "beam", "raster", "leng", "yapc"])


@given(st.dictionaries(names, junk))
def test_whatever_is_given_is_accepted_or_a_parameter_error(request: dict[str, Any]) -> None:
    with suppress(ParameterError):
        parameters = Parameters.of(request)
        assert Parameters.of(parameters.to_json()) == parameters


def test_parameters_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Parameters.of().cnf = (4,)  # type: ignore[misc]


def test_the_json_schema_describes_every_parameter() -> None:
    schema = Parameters.model_json_schema()
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(Parameters.model_fields)
    assert all(entry["description"] for entry in schema["properties"].values())
    defaults = {name: entry["default"] for name, entry in schema["properties"].items()}
    assert {name: defaults[name] for name in GUIDE} == json.loads(json.dumps(GUIDE))
    assert schema["properties"]["track"]["maximum"] == 3
    assert schema["properties"]["res"]["minimum"] == 0.1
    assert schema["properties"]["len"]["exclusiveMinimum"] == 0
    json.dumps(schema)


def test_a_document_has_the_types_of_the_schema() -> None:
    kinds = {"integer": int, "number": float, "boolean": bool, "array": list, "object": dict}
    schema = Parameters.model_json_schema()["properties"]
    mask = {"geojson": GEOJSON, "cellsize": 0.1}
    document = json.loads(Parameters.of(poly=RING, region_mask=mask).to_json())
    assert set(GUIDE) <= set(document) <= set(schema)
    for name, value in document.items():
        kind = next(form["type"] for form in schema[name].get("anyOf", [schema[name]]) if form.get("type") != "null")
        assert type(value) is kinds[kind], name
