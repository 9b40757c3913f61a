"""The command line: exit codes, what is said where, and that nothing half-written is left."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest

import nunatak
from nunatak.cli import main

# notices are for people here; elsewhere in the tests a warning is an error
pytestmark = pytest.mark.filterwarnings("default::nunatak.pipeline.parameters.ParameterNotice")

COMMAND = shutil.which("nunatak", path=str(Path(sys.executable).parent))
needs_command = pytest.mark.skipif(COMMAND is None, reason="the command nunatak is not installed beside this Python")


@dataclass
class Ended:
    code: int
    out: str
    err: str


Run = Callable[..., Ended]
Refused = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; whatever happens, people see no traceback."""

    def call(*arguments: str | Path) -> Ended:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # argparse
            code = ended.code  # type: ignore[assignment]
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ended(code, out, err)

    return call


@pytest.fixture
def refused(run: Run, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run a command that must end with 2, one line of explanation and nothing else, and leave nothing behind."""
    before = sorted(tmp_path.rglob("*"))

    def call(*arguments: str | Path) -> str:
        nonlocal before
        before = sorted(tmp_path.rglob("*"))
        ended = run(*arguments)
        assert ended.code == 2, ended
        assert ended.out == ""
        assert ended.err.startswith("nunatak: ")
        assert ended.err.count("\n") == 1, ended.err
        return ended.err

    yield call
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def spoilt(granule_folder: Path, tmp_path: Path) -> Path:
    """Two granules, of which the second is no HDF5 file."""
    folder = tmp_path / "spoilt"
    folder.mkdir()
    for path in granule_folder.glob("ATL03_*.h5"):
        shutil.copy(path, folder)
    max(folder.glob("*.h5")).write_bytes(b"no photons")
    return folder


# -- what goes well ---------------------------------------------------------------------------------------------------


def test_heights_into_a_file(run: Run, granule_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "heights.parquet"
    ended = run("atl06", granule_folder, "--output", output)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    heights = gpd.read_parquet(output)
    assert lines[0] == "2 granules, 12 tasks: 5 ok, 0 empty, 7 absent, 0 failed"
    assert lines[1].startswith(f"{len(heights)} rows, time 2019-12-20")
    assert lines[-1] == f"written: {output}"
    assert sorted(tmp_path.iterdir()) == [output]
    wanted = nunatak.atl06(granule_folder).compute(scheduler="sync")
    pd.testing.assert_frame_equal(heights, gpd.GeoDataFrame(wanted))


def test_a_summary_on_the_terminal(run: Run, granule: Path) -> None:
    ended = run("atl06", granule)
    assert ended.code == 0
    assert ended.err == ""  # a pipe stays quiet
    row = next(line for line in ended.out.splitlines() if line.startswith("  h_mean "))
    heights = nunatak.atl06(granule).compute(scheduler="sync")["h_mean"]
    name, least, mean, most, units = row.split()
    assert (name, units) == ("h_mean", "m")
    assert [float(least), float(mean), float(most)] == pytest.approx(
        [heights.min(), heights.mean(), heights.max()], rel=1e-5
    )
    assert "written" not in ended.out


def test_parameters_as_text_and_as_a_file(run: Run, granule: Path, tmp_path: Path) -> None:
    request = {"cnf": "atl03_high", "beam": ["gt1l"], "len": 80}
    (tmp_path / "request.json").write_text(json.dumps(request))
    for name, parms in (("a", json.dumps(request)), ("b", tmp_path / "request.json")):
        assert run("atl06", granule, "--parms", parms, "--output", tmp_path / name).code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    heights = gpd.read_parquet(tmp_path / "a")
    assert set(heights["gt"]) == {10}
    assert len(heights) == len(nunatak.atl06(granule, request))


def test_the_extent_id_is_kept_on_request(run: Run, granule: Path, tmp_path: Path) -> None:
    assert run("atl06", granule, "--output", tmp_path / "without").code == 0
    assert run("atl06", granule, "--keep-id", "--output", tmp_path / "with").code == 0
    assert "extent_id" not in gpd.read_parquet(tmp_path / "without").columns
    kept = gpd.read_parquet(tmp_path / "with")
    assert kept["extent_id"].dtype == "uint64"
    assert kept["extent_id"].is_unique


def test_the_same_bytes_from_sync_and_threads_and_in_any_order(run: Run, granule_folder: Path, tmp_path: Path) -> None:
    first, second = sorted(granule_folder.glob("ATL03_*.h5"))
    forms = {"a": ["sync", granule_folder], "b": ["threads", second, first], "c": ["sync", first, granule_folder]}
    for name, (scheduler, *resources) in forms.items():
        assert run("atl06", *resources, "--scheduler", scheduler, "--output", tmp_path / name).code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_a_request_that_no_photon_answers(run: Run, granule: Path, tmp_path: Path) -> None:
    poly = json.dumps({"poly": [[0, 0], [1, 0], [1, 1]]})
    ended = run("atl06", granule, "--parms", poly, "--output", tmp_path / "x.parquet")
    assert ended.code == 0
    assert "0 ok, 3 empty, 3 absent, 0 failed" in ended.out
    assert "no rows" in ended.out
    assert len(gpd.read_parquet(tmp_path / "x.parquet")) == 0


def test_the_file_says_how_it_was_made(run: Run, granule: Path, tmp_path: Path) -> None:
    assert run("atl06", granule, "--parms", '{"cnf": 4}', "--output", tmp_path / "x.parquet").code == 0
    metadata = pq.read_metadata(tmp_path / "x.parquet").metadata
    record = json.loads(metadata[b"nunatak"])
    assert record["parameters"]["cnf"] == [4]
    assert [entry["address"] for entry in record["granules"]] == [str(granule)]
    assert sum(record["outcome_counts"].values()) == len(record["outcomes"]) == 6
    assert json.loads(metadata[b"geo"])["version"] == "1.1.0"


def test_what_a_folder_leaves_out_is_told_on_the_side(run: Run, granule: Path, tmp_path: Path) -> None:
    shutil.copy(granule, tmp_path)
    (tmp_path / "notes.h5").write_text("x")
    ended = run("atl06", tmp_path, "--parms", '{"beams": "gt1l"}')
    assert ended.code == 0
    assert ended.err == f"left out: {tmp_path / 'notes.h5'} (not the name of a granule)\n"


def test_notices_are_one_line_each(run: Run, granule: Path) -> None:
    ended = run("atl06", granule, "--parms", '{"timeout": 600, "beams": "gt1l"}')
    assert ended.code == 0
    assert ended.err == "nunatak: notice: these concern a service and change nothing here: timeout\n"


def test_simulate_info_and_heights(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "granules"
    assert run("simulate", folder, "--km", "1", "--beams", "gt3r", "--terrain", "flat", "--seed", "5").code == 0
    (path,) = folder.glob("ATL03_*.h5")
    ended = run("info", path)
    assert ended.code == 0
    assert "gt3r, spot 1 (strong)" in ended.out
    assert run("info", path, "--fields").out.count("\n") > 100
    assert "1 ok" in run("atl06", folder).out


# -- wrong input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parms", "said"),
    [
        ('{"cnf": 9}', "cnf: 9 is none of"),
        ('{"leng": 40}', "leng: no such parameter; did you mean 'len'?"),
        ('{"len": -1, "cnt": "x"}', "len: input should be greater than 0, not -1; cnt: "),
        ('{"samples": {"a": 0}}', "samples: a parameter of SlideRule that this version"),
        ('{"cnf": 4', "parameters: not JSON"),
        ("[1]", "parameters are a JSON object"),
        ("nowhere.json", "neither JSON text nor a file"),
        ("", "neither JSON text nor a file"),
        ('{"poly": "nowhere.geojson"}', "poly: "),
        ('{"track": 3, "beams": "gt1l"}', "no beam in common"),
    ],
)
def test_parameters_that_can_not_be(refused: Refused, granule: Path, tmp_path: Path, parms: str, said: str) -> None:
    assert said in refused("atl06", granule, "--parms", parms, "--output", tmp_path / "x.parquet")


def test_resources_that_are_not_there(refused: Refused, granule: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "photons.h5").write_text("x")
    shutil.copy(granule, tmp_path / f"one_{granule.name}")
    shutil.copy(granule, tmp_path / f"two_{granule.name}")
    output = ("--output", tmp_path / "x.parquet")
    assert "there is no such file or folder" in refused("atl06", tmp_path / "gone.h5", *output)
    assert "no ATL03 granule in this folder" in refused("atl06", tmp_path / "empty", *output)
    assert "not the name of an ICESat-2 granule" in refused("atl06", tmp_path / "photons.h5", *output)
    assert "two files of one granule" in refused("atl06", tmp_path, *output)
    companion = granule.with_name(granule.name.replace("ATL03", "ATL08"))
    assert "an ATL08 granule; ATL03 is needed here" in refused("atl06", companion, *output)


def test_outputs_that_can_not_be(refused: Refused, granule: Path, tmp_path: Path) -> None:
    assert "does not exist" in refused("atl06", granule, "--output", tmp_path / "gone" / "x.parquet")
    assert "a folder; the output is one file" in refused("atl06", granule, "--output", tmp_path)
    assert "a folder" in refused("atl06", granule, "--output", "")
    assert "not a file" in refused("atl06", granule, "--output", os.devnull)


def test_the_output_never_takes_the_place_of_a_granule(refused: Refused, granule: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copy(granule, tmp_path))
    (tmp_path / "link.h5").symlink_to(mine)
    for output in (mine, tmp_path / "link.h5"):
        assert "a granule of this request" in refused("atl06", mine, "--output", output)
    assert mine.read_bytes() == granule.read_bytes()


def test_schedulers_that_are_not_there(refused: Refused, granule: Path, tmp_path: Path) -> None:
    output = ("--output", tmp_path / "x.parquet")
    assert "sync, threads, processes, or an address" in refused("atl06", granule, "--scheduler", "thread", *output)
    said = refused("atl06", granule, "--scheduler", "nowhere://host:1", *output)
    assert "scheduler nowhere://host:1: no Dask scheduler answers there" in said


def test_a_scheduler_that_does_not_answer(refused: Refused, granule: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nunatak.cluster.workers._ANSWER", "0.3s")
    said = refused("atl06", granule, "--scheduler", "tcp://127.0.0.1:9")
    assert "tcp://127.0.0.1:9: no Dask scheduler answers there" in said


@pytest.mark.parametrize(
    "arguments",
    [[], ["atl07"], ["atl06", "--nonsense"], ["atl06", ".", "--on-error", "ignore"], ["info"], ["simulate"]],
)
def test_arguments_that_are_none(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.err.startswith("usage: nunatak")
    assert ended.out == ""


def test_info_of_what_can_not_be_read(refused: Refused, granule: Path, tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("photons")
    (tmp_path / "half.h5").write_bytes(granule.read_bytes()[:300_000])
    assert "there is no such file" in refused("info", tmp_path / "gone.h5")
    assert "this is a folder" in refused("info", tmp_path)
    assert "text.h5" in refused("info", tmp_path / "text.h5")
    assert "half.h5" in refused("info", tmp_path / "half.h5")


# -- tasks that fail --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_a_failed_task_ends_the_run_and_nothing_is_written(
    run: Run, spoilt: Path, tmp_path: Path, scheduler: str
) -> None:
    output = tmp_path / "x.parquet"
    ended = run("atl06", spoilt, "--output", output, "--scheduler", scheduler)
    assert ended.code == 3
    assert ended.out == ""
    assert "ATL03_20200118020000_05420503_006_01.h5 gt1l failed (not_hdf5)" in ended.err
    assert sorted(tmp_path.iterdir()) == [spoilt]


def test_an_older_output_survives_a_failed_run(run: Run, spoilt: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.parquet"
    output.write_text("older heights")
    assert run("atl06", spoilt, "--output", output).code == 3
    assert output.read_text() == "older heights"


def test_failures_are_collected_on_request(run: Run, spoilt: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.parquet"
    ended = run("atl06", spoilt, "--output", output, "--on-error", "collect")
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert lines[0] == "2 granules, 12 tasks: 3 ok, 0 empty, 3 absent, 6 failed"
    assert lines[1].startswith("failed (not_hdf5): 6, first ATL03_20200118020000_05420503_006_01.h5 gt1l: ")
    record = json.loads(pq.read_metadata(output).metadata[b"nunatak"])
    assert record["outcome_counts"] == {"ok": 3, "empty": 0, "absent": 3, "failed": 6}
    failed = [outcome for outcome in record["outcomes"] if outcome["status"] == "failed"]
    assert {outcome["kind"] for outcome in failed} == {"not_hdf5"}
    assert len(gpd.read_parquet(output)) == sum(outcome.get("rows", 0) for outcome in record["outcomes"]) > 0


def test_a_full_disk(run: Run, granule: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(pq.ParquetWriter):  # type: ignore[misc]
        def write_table(self, *_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "ParquetWriter", Full)
    ended = run("atl06", granule, "--output", tmp_path / "x.parquet")
    assert ended.code == 1
    assert ended.out == ""
    assert "x.parquet: can't be written: " in ended.err
    assert "No space left on device" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run(run: Run, granule: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nunatak.pipeline.writers.geoparquet.GeoParquetWriter.write", interrupt)
    ended = run("atl06", granule, "--output", tmp_path / "x.parquet")
    assert (ended.code, ended.out) == (130, "")
    assert ended.err == "nunatak: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


# -- as a command of its own ------------------------------------------------------------------------------------------


def command(*arguments: str | Path, **keywords: Any) -> subprocess.CompletedProcess[str]:
    assert COMMAND is not None
    words = [COMMAND, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, **keywords)


@needs_command
def test_exit_codes_of_the_command(granule: Path, spoilt: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.parquet"
    good = command("atl06", granule, "--parms", '{"beams": "gt1l"}', "--output", output)
    assert (good.returncode, good.stderr) == (0, "")
    assert len(gpd.read_parquet(output)) > 0
    wrong = command("atl06", granule, "--parms", '{"cnff": 4}')
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "nunatak: cnff: no such parameter; did you mean 'cnf'?\n"
    failed = command("atl06", spoilt)
    assert (failed.returncode, failed.stdout) == (3, "")
    assert "Traceback" not in failed.stderr


@needs_command
def test_version() -> None:
    ended = command("--version")
    assert (ended.returncode, ended.stdout) == (0, f"nunatak {nunatak.__version__}\n")


@pytest.mark.slow
@needs_command
def test_processes_write_the_same_bytes(granule: Path, tmp_path: Path) -> None:
    for scheduler in ("processes", "sync"):
        ended = command("atl06", granule, "--scheduler", scheduler, "--output", tmp_path / scheduler)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "processes").read_bytes() == (tmp_path / "sync").read_bytes()


@needs_command
def test_a_disk_that_really_is_full(granule_folder: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system can't limit the size of files")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    output = tmp_path / "x.parquet"
    ended = command("atl06", granule_folder, "--output", output, preexec_fn=limit)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith(f"nunatak: {output}: can't be written: ")
    assert list(tmp_path.iterdir()) == []


@needs_command
def test_a_reader_that_has_had_enough(granule: Path) -> None:
    assert COMMAND is not None
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [COMMAND, "info", str(granule), "--fields"], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


@needs_command
def test_progress_on_a_terminal(granule: Path) -> None:
    assert COMMAND is not None
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 100))
    process = subprocess.Popen([COMMAND, "atl06", str(granule)], stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # how a terminal says that its other end is closed
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"/6 [" in shown
    assert b"/6 [" not in out


HEAVY = {"dask", "distributed", "numba", "pandas", "geopandas", "shapely", "pyarrow", "h5py", "h5coro", "matplotlib"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["atl06", "--help"], ["info", "--help"], ["simulate", "--help"], ["--version"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom nunatak.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as ended:\n    assert ended.code == 0\n"
        f"print(*({HEAVY!r} & set(sys.modules)), sep=' ', file=sys.stderr, end='')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
    assert "nunatak" in ended.stdout


def test_importing_nunatak_imports_nothing_heavy() -> None:
    code = f"import sys, nunatak; dir(nunatak); print(*({HEAVY!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "\n"
