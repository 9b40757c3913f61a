"""Simulating as a whole: determinism, truth across processes, the command, what goes wrong."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nunatak.pipeline.errors import InputError, MissingExtraError, OutputError
from nunatak.pipeline.granule import GranuleName
from nunatak.testing import commands, writing
from nunatak.testing.granules import simulate
from nunatak.testing.scene import KINDS, Scene
from nunatak.testing.terrain import Terrain
from nunatak.testing.truth import Truth, truth_path


def _values(path: Path, beams: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def keep(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and (beams is None or name.startswith(beams)):
            found[name] = node[...]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


def _same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    assert one
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_same_arguments_same_values(tmp_path: Path) -> None:
    options: dict[str, Any] = {"kilometres": 2.0, "terrain": "mixed", "day": True, "beams": ("gt1l", "gt1r")}
    one, *_ = simulate(tmp_path / "one", seed=5, **options)
    two, second = simulate(tmp_path / "two", 2, seed=5, **options)
    _same(_values(one.path), _values(two.path))
    assert one.atl08_path
    assert two.atl08_path
    _same(_values(one.atl08_path), _values(two.atl08_path))
    alone, *_ = simulate(tmp_path / "three", seed=5, **{**options, "beams": ("gt1r",)})
    _same(_values(alone.path, ("gt1r",)), _values(one.path, ("gt1r",)))
    (other,) = simulate(tmp_path / "four", seed=6, **options)
    assert other.photons != one.photons
    assert second.photons != one.photons
    # Another layout holds the same photons.
    (modern,) = simulate(tmp_path / "five", seed=5, release="007", **options)
    for name in ("gt1r/heights/h_ph", "gt1l/heights/lat_ph", "gt1r/geolocation/segment_ph_cnt"):
        np.testing.assert_array_equal(_values(modern.path)[name], _values(one.path)[name])


def test_granules_of_a_run_differ_in_name_time_and_place(tmp_path: Path) -> None:
    granules = simulate(tmp_path, 5, kilometres=0.5, beams=("gt1l",), with_atl08=False, rgt=1200)
    names = [GranuleName.parse(str(granule.path)) for granule in granules]
    assert len(set(names)) == 5
    assert names == sorted(names)
    assert names[0].cycle < names[-1].cycle
    starts = [_values(granule.path)["gt1l/heights/lon_ph"][0] for granule in granules]
    np.testing.assert_allclose(np.diff(starts), 0.5, atol=1e-3)


def test_truth_is_rebuilt_in_another_process(tmp_path: Path) -> None:
    (granule,) = simulate(
        tmp_path, kilometres=9, terrain="canopy+crevassed+rough", seed=3, beams=("gt1l",),
        gaps=((100.0, 300.0),), with_atl08=False,
    )  # fmt: skip
    x = granule.truth.x_start + np.linspace(-50, 9_050, 500)
    code = (
        "import sys, json, numpy as np; from nunatak.testing.truth import Truth; "
        f"t = Truth.load({str(granule.path)!r}); x = t.x_start + np.linspace(-50, 9_050, 500); "
        "print(json.dumps([t.height('gt1l', x).tolist(), t.canopy('gt1l', x).tolist(), t.slope('gt1l', x).tolist()]))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    height, canopy, slope = json.loads(answer.stdout)
    np.testing.assert_array_equal(height, granule.truth.height("gt1l", x))
    np.testing.assert_array_equal(canopy, granule.truth.canopy("gt1l", x))
    np.testing.assert_array_equal(slope, granule.truth.slope("gt1l", x))
    assert max(canopy) > 5
    assert GranuleName.find(str(truth_path(granule.path))) is None  # a folder of granules does not list it


@given(
    terrain=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4).map("+".join),
    kilometres=st.floats(0.1, 60),
    seed=st.integers(0, 2**32),
    slope=st.floats(-20, 20),
)
@settings(max_examples=40, deadline=None)
def test_terrain_has_no_jumps_and_survives_its_json(terrain: str, kilometres: float, seed: int, slope: float) -> None:
    scene = Scene(terrain=terrain, kilometres=kilometres, seed=seed, slope=slope)
    assert Scene.from_json(json.loads(json.dumps(scene.to_json()))) == scene
    ground = Terrain(scene, 0, 7.0e6)
    x = 7.0e6 + np.linspace(-100, kilometres * 1000 + 100, 3000)
    y = np.full(x.shape, 45.0)
    height = ground.height(x, y)
    step = np.abs(ground.height(x + 1e-4, y) - height)
    # The walls of crevasses are the steepest there is: 20 m in 3 m.
    assert step.max() <= 1e-4 * (20 / 3 + np.tan(np.radians(abs(slope))) + 1.5) + 1e-7
    assert (ground.canopy(x, y) >= 0).all()
    assert ("canopy" in terrain) or not ground.canopy(x, y).any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"terrain": "snow"}, {"kilometres": 0}, {"kilometres": float("nan")}, {"beams": ("gt4l",)}, {"release": "005"},
        {"gaps": ((5.0, 2.0),)}, {"gaps": ((0.0, 1e9),)}, {"start": (0.0, 89.0)}, {"start": (181.0, 0.0)},
        {"seed": -1}, {"signal": -1.0}, {"rgt": 1388}, {"sc_orient": 3}, {"hollow": ("gt1l",), "beams": ("gt1r",)},
        {"time": datetime(2020, 1, 1)}, {"kilometers": 3}, {"region": 15}, {"revision": "1"}, {"granules": 0},
        {"absent": {2: ["gt1l"]}},
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_said(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        simulate(tmp_path / "out", **{"kilometres": 1.0, **wrong})
    assert not list(tmp_path.glob("out/*"))


def test_unknown_value_names_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean kilometres"):
        simulate(tmp_path, kilometers=3)


def test_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = writing.GranuleWriter.group

    def breaks(self: writing.GranuleWriter, path: str, *rest: Any) -> None:
        if path == "gt1r/heights":
            raise OSError(28, "No space left on device")
        written(self, path, *rest)

    monkeypatch.setattr(writing.GranuleWriter, "group", breaks)
    with pytest.raises(OutputError, match="No space left"):
        simulate(tmp_path, kilometres=1)
    assert not list(tmp_path.iterdir())


def test_missing_h5py_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'nunatak\[simulate\]'"):
        simulate(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be made"):
        simulate(tmp_path / "file")


def test_truth_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    with pytest.raises(InputError, match="no truth"):
        Truth.load(path)
    for content in ("{}", "{", "[]", '{"format": 1, "granule": 0, "x_start": 0.0, "scene": {"time": "soon"}}'):
        path.write_text(content)
        with pytest.raises(InputError, match="not the truth"):
            Truth.load(path)
    path.write_text('{"format": 0}')
    with pytest.raises(InputError, match="another version"):
        Truth.load(path)


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add_parsers(parser.add_subparsers())
    args = parser.parse_args(["simulate", *arguments])
    code: int = args.run(args)
    return code


def test_command_writes_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = _run(
        str(tmp_path), "--granules", "2", "--km", "1", "--seed", "4", "--terrain", "slope", "--slope", "2",
        "--release", "007", "--beams", "gt1l", "gt2r", "--day", "--gap", "100:200", "--blank", "400:500",
        "--absent", "2:gt2r", "--start", "-49.5", "70", "--descending", "--no-atl08",
    )  # fmt: skip
    assert code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "gt1l gt2r" in lines[0]
    assert "gt2r" not in lines[1]
    first, second = sorted(tmp_path.glob("ATL03_*_007_01.h5"))
    assert not list(tmp_path.glob("ATL08*"))
    scene = Truth.load(first).scene
    assert (scene.start, scene.slope, scene.day, scene.ascending) == ((-49.5, 70.0), 2.0, True, False)
    assert (scene.gaps, scene.blanks) == (((100.0, 200.0),), ((400.0, 500.0),))
    assert Truth.load(second).scene.beams == ("gt1l",)


@pytest.mark.parametrize("wrong", [["--gap", "3"], ["--absent", "gt1l"], ["--beams", "gt9"], ["--start", "1"]])
def test_command_refuses(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        _run(str(tmp_path), *wrong)
    assert stop.value.code == 2


def test_command_is_light_to_import() -> None:
    code = "import sys, nunatak.testing.commands; print([m for m in ('numpy', 'h5py', 'numba') if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert answer.stdout.strip() == "[]"
