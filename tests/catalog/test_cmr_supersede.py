"""Which copy, revision and release of a granule is taken."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak.pipeline.catalog.query import Found
from nunatak.pipeline.catalog.supersede import CatalogNotice, resolve
from nunatak.pipeline.granule import GranuleName


def found(
    day: int = 1,
    revision: str = "01",
    release: str = "006",
    product: str = "ATL03",
    folder: str = "a",
    size: int | None = None,
) -> Found:
    name = GranuleName.parse(f"{product}_201901{day:02d}000000_00010101_{release}_{revision}.h5")
    return Found(name, {"file": f"{folder}/{name}"}, size=size)


def test_nothing_stays_nothing() -> None:
    assert resolve([]) == []
    assert resolve([], "006") == []


def test_highest_revision_of_each_acquisition() -> None:
    kept = resolve([found(1, "02"), found(2, "01"), found(1, "03"), found(1, "01")])
    assert [(one.name.revision, one.notes) for one in kept] == [
        ("03", ("supersedes revision 01", "supersedes revision 02")),
        ("01", ()),
    ]


def test_one_copy_is_kept_and_the_other_said() -> None:
    part, whole = found(folder="a", size=10), found(folder="b", size=20)
    (one,) = resolve([part, whole])
    assert one.addresses == whole.addresses
    assert one.notes == (f"a second copy is not used: {part.addresses['file']}",)
    (same,) = resolve([whole, whole])
    assert same == whole


def test_products_are_kept_apart() -> None:
    assert [one.name.product for one in resolve([found(product="ATL08"), found()])] == ["ATL03", "ATL08"]


def test_newest_release_and_what_it_lacks() -> None:
    old, new = [found(day, release="006") for day in range(1, 6)], [found(day, release="007") for day in (1, 2)]
    with pytest.warns(CatalogNotice, match="3 of 5 acquisitions .*3 in 006; the first is ATL03_20190103"):
        assert resolve([*old, *new]) == new
    assert resolve([*old, *new], "006") == old
    assert resolve([*old[:2], *new]) == new  # nothing is lacking: nothing is said


def test_lacking_acquisitions_are_counted_once() -> None:
    offered = [found(1, release="007"), found(2, release="006"), found(2, release="005"), found(3, release="005")]
    with pytest.warns(CatalogNotice, match=r"2 of 3 acquisitions .*\(1 in 006, 1 in 005;"):
        resolve(offered)


def test_a_release_that_is_not_there() -> None:
    with pytest.warns(CatalogNotice, match="release 007 was asked for and has nothing here; there is 005, 006"):
        assert resolve([found(release="006"), found(release="005")], "007") == []


@given(st.data())
def test_the_order_of_what_was_found_does_not_matter(data: st.DataObject) -> None:
    every = [
        found(day, revision, folder=folder, size=size)
        for day, revision, (folder, size) in itertools.product((1, 2), ("01", "02"), (("a", 1), ("b", 2), ("c", None)))
    ]
    chosen = data.draw(st.lists(st.sampled_from(every), unique_by=id))
    kept = resolve(chosen)
    assert kept == resolve(data.draw(st.permutations(chosen)))
    assert [one.name for one in kept] == sorted(one.name for one in kept)
    # obvious twin: by acquisition, the largest (revision, size)
    for one in kept:
        rivals = [each for each in chosen if each.name.acquisition == one.name.acquisition]
        assert (one.name.revision, one.size or 0) == max((each.name.revision, each.size or 0) for each in rivals)
    assert {one.name.acquisition for one in kept} == {one.name.acquisition for one in chosen}
