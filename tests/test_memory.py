"""How much memory a task takes, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nunatak.pipeline.photons import PHOTON_FIELDS
from nunatak.testing import simulate

CODE = """
import sys
from pathlib import Path
from nunatak.pipeline.parameters import Parameters
from nunatak.pipeline.task import Request, run_task

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])

def task(path):
    table, outcome = run_task(path, Path(path).name, "gt1l", "", Request("atl06", Parameters.of(cnf=0)))
    assert outcome.status == "ok", outcome
    return outcome.photons

task(sys.argv[1])                               # kernels and libraries are loaded
Path("/proc/self/clear_refs").write_text("5")   # forget the peak so far
before = status("VmRSS")
photons = task(sys.argv[2])
print(photons, status("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is read from Linux's /proc"
)
def test_a_task_takes_less_than_three_times_its_fields(tmp_path: Path) -> None:
    beams = {"beams": ("gt1l",), "sc_orient": 0, "terrain": "rough", "with_atl08": False}
    small = simulate(tmp_path / "small", kilometres=2, **beams)[0].path
    large = simulate(tmp_path / "large", kilometres=250, **beams)[0].path
    command = [sys.executable, "-c", CODE, str(small), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    photons, peak = map(int, done.stdout.split())
    bytes_of_fields = photons * sum(int(dtype[1:]) for _, dtype in PHOTON_FIELDS.values())
    assert bytes_of_fields > 40e6
    assert peak < 3 * bytes_of_fields
