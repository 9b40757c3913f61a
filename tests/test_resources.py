"""What paths and folders contribute, and what is said of what they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

import nunatak
from nunatak.pipeline.errors import InputError, ResourceError
from nunatak.pipeline.resources import Resources, find_resources

FIRST = "ATL03_20191220020000_01000503_006_01.h5"
SECOND = "ATL03_20200118020000_05420503_006_01.h5"


def put(folder: Path, *names: str) -> list[Path]:
    """Put files by name; what they hold does not matter, since only names are looked at."""
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photons" * len(path.name))
    return paths


def found(resources: Any, product: str = "ATL03") -> list[str]:
    return [Path(granule.address).name for granule in find_resources(resources, product).granules]


def test_a_granule_by_its_path(tmp_path: Path) -> None:
    (path,) = put(tmp_path, FIRST)
    for form in (path, str(path), [path], (str(path),), iter([path])):
        (granule,) = find_resources(form, "ATL03").granules
        assert (granule.address, str(granule.name), granule.size) == (str(path), FIRST, path.stat().st_size)


def test_addresses_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = put(tmp_path, FIRST)
    monkeypatch.chdir(tmp_path)
    for form in (FIRST, Path(FIRST), "."):
        assert [granule.address for granule in find_resources(form, "ATL03").granules] == [str(path)]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [granule.address for granule in find_resources("~", "ATL03").granules] == [str(path)]
    assert [granule.address for granule in find_resources(f"~/{FIRST}", "ATL03").granules] == [str(path)]


def test_a_folder_contributes_its_granules_by_time(tmp_path: Path) -> None:
    put(tmp_path, f"processed_{SECOND}", f"a_{SECOND.replace('ATL03', 'ATL08')}", FIRST.replace(".h5", "_subset.h5"))
    resources = find_resources(tmp_path, "ATL03")
    assert [str(granule.name) for granule in resources.granules] == [FIRST, SECOND]
    assert resources.left_out == ()


def test_companions_are_found_by_name_whatever_their_prefix(tmp_path: Path) -> None:
    put(tmp_path, FIRST, SECOND)
    (atl08,) = put(tmp_path, f"processed_{FIRST.replace('ATL03', 'ATL08').replace('006_01', '006_02')}")
    (atl06,) = put(tmp_path, FIRST.replace("ATL03", "ATL06"))
    wanted = (("ATL06", str(atl06)), ("ATL08", str(atl08)))
    resources = find_resources(tmp_path, "ATL03")
    assert [granule.companion_addresses for granule in resources.granules] == [wanted, ()]
    assert resources.left_out == ()
    (granule,) = find_resources(tmp_path / FIRST, "ATL03").granules
    assert granule.companion_addresses == wanted


def test_the_simulated_companions(granule_folder: Path) -> None:
    resources = find_resources(granule_folder, "ATL03")
    assert [len(granule.companion_addresses) for granule in resources.granules] == [1, 1]
    assert [product for granule in resources.granules for product, _ in granule.companion_addresses] == ["ATL08"] * 2
    assert resources.left_out == ()


def test_what_a_folder_leaves_out_is_named_with_the_reason(tmp_path: Path) -> None:
    other, unnamed = put(tmp_path, "ATL08_20180101000000_00010101_006_01.h5", "heights.h5")
    put(tmp_path, FIRST, "notes.txt", f"{FIRST}.part", f"deeper/still/{SECOND}", "pictures/map.png")
    assert found(tmp_path) == [FIRST]
    assert find_resources([tmp_path, str(tmp_path)], "ATL03").left_out == tuple(
        sorted([f"{other} (ATL08)", f"{unnamed} (not the name of a granule)", f"{tmp_path / 'deeper'} (a subfolder)"])
    )


def test_a_plan_passes_on_what_was_left_out(tmp_path: Path) -> None:
    put(tmp_path, FIRST, "heights.h5")
    assert nunatak.plan("atl06", tmp_path).left_out == (f"{tmp_path / 'heights.h5'} (not the name of a granule)",)


def two_of_one(folder: Path) -> list[Path]:
    return put(folder, FIRST, f"processed_{FIRST}")


def test_two_files_of_one_granule_are_an_error_that_names_both(tmp_path: Path) -> None:
    plain, processed = two_of_one(tmp_path)
    for form in (tmp_path, [plain, processed], [processed, plain]):
        with pytest.raises(ResourceError, match="two files of one granule") as caught:
            find_resources(form, "ATL03")
        assert str(plain) in str(caught.value)
        assert str(processed) in str(caught.value)
        assert "by its path" in str(caught.value)


@pytest.mark.parametrize("other", [FIRST.replace("_006_", "_007_"), FIRST.replace("_01.h5", "_02.h5")])
def test_two_releases_or_revisions_are_two_files_of_one_granule(tmp_path: Path, other: str) -> None:
    put(tmp_path, FIRST, other)
    with pytest.raises(ResourceError, match="two files of one granule"):
        find_resources(tmp_path, "ATL03")


def test_one_granule_in_two_folders(tmp_path: Path) -> None:
    put(tmp_path / "a", FIRST)
    put(tmp_path / "b", FIRST, SECOND)
    with pytest.raises(ResourceError, match="two files of one granule"):
        find_resources([tmp_path / "a", tmp_path / "b"], "ATL03")


def test_an_explicit_path_wins_over_a_folder(tmp_path: Path) -> None:
    plain, processed = two_of_one(tmp_path)
    put(tmp_path, SECOND)
    for one, other in ((plain, processed), (processed, plain)):
        for form in ([tmp_path, one], [one, tmp_path]):
            resources = find_resources(form, "ATL03")
            assert [Path(granule.address).name for granule in resources.granules] == [one.name, SECOND]
            assert resources.left_out == (f"{other} (another file of this granule is named by its path: {one})",)


def test_the_same_path_twice_is_one_granule(tmp_path: Path) -> None:
    (path,) = put(tmp_path, FIRST)
    assert found([path, str(path), tmp_path, tmp_path, path]) == [FIRST]


def test_the_order_does_not_matter(tmp_path: Path) -> None:
    third = "ATL03_20180101000000_00010101_006_01.h5"
    paths = put(tmp_path, SECOND, FIRST, f"deep/{third}", "x.h5")
    forms: list[Resources] = [
        find_resources(order, "ATL03") for order in permutations([tmp_path, paths[0], paths[1], tmp_path / "deep"])
    ]
    assert all(form == forms[0] for form in forms)
    assert [str(granule.name) for granule in forms[0].granules] == [third, FIRST, SECOND]


def test_generators_are_read_once(tmp_path: Path) -> None:
    paths = put(tmp_path, SECOND, FIRST)
    assert found(path for path in paths) == [FIRST, SECOND]
    assert found(tmp_path.glob("*.h5")) == [FIRST, SECOND]


@pytest.mark.parametrize("missing", ["", "gone/", f"{FIRST}/"])
def test_a_missing_path(tmp_path: Path, missing: str) -> None:
    put(tmp_path, FIRST)
    path = tmp_path / missing / SECOND
    with pytest.raises(ResourceError, match=f"{SECOND}: there is no such file or folder"):
        find_resources([tmp_path / FIRST, path], "ATL03")


def test_a_granule_of_another_product(tmp_path: Path) -> None:
    (path,) = put(tmp_path, FIRST.replace("ATL03", "ATL06"))
    with pytest.raises(ResourceError, match="an ATL06 granule; ATL03 is needed here"):
        find_resources(path, "ATL03")
    with pytest.raises(ResourceError, match=r"no ATL03 granule in this folder \(it holds ATL06\)"):
        find_resources(tmp_path, "ATL03")
    assert found(tmp_path, "ATL06") == [path.name]


def test_a_name_that_is_none_of_a_granule(tmp_path: Path) -> None:
    (path,) = put(tmp_path, "photons.h5")
    with pytest.raises(ResourceError, match=r"photons\.h5: not the name of an ICESat-2 granule"):
        find_resources(path, "ATL03")


def test_a_folder_without_granules(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"no ATL03 granule in this folder .*looked for"):
        find_resources(tmp_path, "ATL03")
    put(tmp_path, f"deeper/{FIRST}", "x.nc")
    with pytest.raises(ResourceError, match="no ATL03 granule in this folder"):
        find_resources(tmp_path, "ATL03")


@pytest.mark.parametrize(
    "resource", [None, 5, b"x.h5", {"poly": 1}, [["x.h5"]], [None], "x" * 5000, "\0", "~nobody-of-this-name"]
)
def test_what_is_no_path(resource: Any) -> None:
    with pytest.raises(ResourceError):
        find_resources(resource, "ATL03")


def test_a_folder_that_may_not_be_looked_at(
    tmp_path: Path, closed: Callable[[Path], AbstractContextManager[None]]
) -> None:
    put(tmp_path / "closed", FIRST)
    for path in (tmp_path / "closed", tmp_path / "closed" / FIRST):
        with closed(tmp_path / "closed"), pytest.raises(ResourceError, match="looked at: Permission denied"):
            find_resources(path, "ATL03")


def test_a_disk_that_fails_while_a_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, FIRST)

    def fail(_: Path) -> Iterable[Path]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "iterdir", fail)
    with pytest.raises(ResourceError, match="can't be looked at: Input/output error"):
        find_resources(tmp_path, "ATL03")


def test_no_resource_is_no_task(tmp_path: Path) -> None:
    plan = nunatak.plan("atl06", [])
    assert len(plan) == 0
    with pytest.raises(InputError, match="the plan holds no task"):
        plan.lazy()
    with pytest.raises(InputError, match=r"'atl6' is no product .*did you mean 'atl06'"):
        nunatak.plan("atl6", tmp_path)
