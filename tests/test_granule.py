"""What a granule's name says, and how beams, pairs, spots and extent ids hang together."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak.pipeline.errors import ResourceError
from nunatak.pipeline.granule import (
    BEAMS,
    GROUND_TRACK,
    GranuleName,
    extent_id_base,
    file_name,
    pair_of,
    spot_of,
    track_of,
)

NAME = "ATL03_20181017222812_02950102_006_02.h5"

names = st.builds(
    GranuleName,
    time=st.datetimes(datetime(2018, 1, 1), datetime(2040, 1, 1)).map(
        lambda time: time.replace(microsecond=0, tzinfo=UTC)
    ),
    product=st.sampled_from(["ATL03", "ATL06", "ATL08", "ATL13", "ATL24"]),
    rgt=st.integers(1, 1387),
    cycle=st.integers(0, 99),
    region=st.integers(1, 14),
    release=st.integers(1, 999).map("{:03d}".format),
    revision=st.integers(1, 99).map("{:02d}".format),
)


def test_what_a_name_says() -> None:
    name = GranuleName.parse(NAME)
    assert name == GranuleName(datetime(2018, 10, 17, 22, 28, 12, tzinfo=UTC), "ATL03", 295, 1, 2, "006", "02")
    assert str(name) == NAME


@given(names)
def test_a_name_written_is_read_back(name: GranuleName) -> None:
    assert GranuleName.parse(str(name)) == name
    assert pickle.loads(pickle.dumps(name)) == name


@pytest.mark.parametrize(
    "address",
    [
        f"/data/{NAME}",
        f"processed_{NAME}",
        f"s3://bucket/ATL03/006/{NAME}",
        f"https://host/{NAME}?X-Amz-Signature=ATL08_20181017222812_02950102_006_02.h5",
        f"C:\\data\\{NAME}",
        "subset_ATL03_20181017222812_02950102_006_02_v2.h5",
        "ATL03_20181017222812_02950102_006_02_subsetted.h5",
        f"/data/ATL08_20190101000000_00010102_006_01.h5/{NAME}",
    ],
)
def test_prefixes_suffixes_and_folders_do_not_matter(address: str) -> None:
    assert str(GranuleName.parse(address)) == NAME


@pytest.mark.parametrize(
    "address",
    [
        "granule.h5",
        "",
        "ATL03_20181017222812_02950102_006.h5",
        "ATL3_20181017222812_02950102_006_02.h5",
        "ATL03_20181317222812_02950102_006_02.h5",
        "atl03_20181017222812_02950102_006_02.h5",
        f"/data/{NAME}/other.h5",
    ],
)
def test_what_is_no_name(address: str) -> None:
    assert GranuleName.find(address) is None
    with pytest.raises(ResourceError, match="not the name of an ICESat-2 granule; a name such as ATL03_"):
        GranuleName.parse(address)


def test_names_sort_by_time_first() -> None:
    early = GranuleName.parse("ATL08_20181017222812_13870114_007_02.h5")
    late = GranuleName.parse("ATL03_20191017222812_00010101_006_01.h5")
    assert sorted([late, early]) == [early, late]


def test_companions_share_the_acquisition_and_not_the_product() -> None:
    name = GranuleName.parse(NAME)
    companion = name.companion("ATL08")
    assert str(companion) == NAME.replace("ATL03", "ATL08")
    assert companion.acquisition == name.acquisition
    assert GranuleName.parse(NAME.replace("006_02", "007_01")).acquisition == name.acquisition
    assert GranuleName.parse(NAME.replace("02950102", "02950103")).acquisition != name.acquisition


def test_file_names() -> None:
    assert file_name("a/b/c.h5") == file_name("a\\b\\c.h5") == "c.h5"
    assert file_name("what?.h5") == "what?.h5"
    assert file_name("https://host/c.h5?a=/b.h5") == "c.h5"


def test_beams_pairs_tracks_and_spots() -> None:
    assert [track_of(beam) for beam in BEAMS] == [1, 1, 2, 2, 3, 3]
    assert [pair_of(beam) for beam in BEAMS] == [0, 1, 0, 1, 0, 1]
    assert [GROUND_TRACK[beam] for beam in BEAMS] == [10, 20, 30, 40, 50, 60]
    # ATL03 ATBD, table of beam numbers: flying backward the left beams are the strong ones, which are the odd spots
    assert [spot_of(beam, 0) for beam in BEAMS] == [1, 2, 3, 4, 5, 6]
    assert [spot_of(beam, 1) for beam in BEAMS] == [6, 5, 4, 3, 2, 1]
    assert {spot_of(beam, 2) for beam in BEAMS} == {0}


@given(names, st.sampled_from(BEAMS), st.integers(0, 2**28 - 1))
def test_an_extent_id_holds_where_it_comes_from(name: GranuleName, beam: str, counter: int) -> None:
    extent_id = extent_id_base(name, beam) | counter << 2 | 2
    fields = {}
    for part, (low, high) in {
        "pair": (0, 1), "fitted": (1, 2), "counter": (2, 30), "track": (30, 32), "region": (32, 36),
        "cycle": (36, 52), "rgt": (52, 64),
    }.items():  # fmt: skip
        fields[part] = extent_id >> low & (1 << high - low) - 1
    assert fields == {
        "pair": pair_of(beam), "fitted": 1, "counter": counter, "track": track_of(beam), "region": name.region,
        "cycle": name.cycle, "rgt": name.rgt,
    }  # fmt: skip
    assert extent_id < 2**64


def test_extent_ids_of_all_beams_differ() -> None:
    bases = sorted(extent_id_base(GranuleName.parse(NAME), beam) for beam in BEAMS)
    assert all(one != other for one, other in pairwise(bases))
