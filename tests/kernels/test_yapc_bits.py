"""The same scores on every kind of CPU: compiled for this one, for a plain x86-64 and for one with AVX2."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from beams import make_beam
from nunatak.kernels.yapc import yapc_scores
digest = hashlib.sha256()
for seed, photons, noise, disorder, win_h in (
    (1, 40, 0.3, 0.4, 6.0), (2, 150, 0.3, 1.5, 6.0), (3, 100, 0.95, 1.5, 6.0), (4, 60, 0.5, 5.0, 0.1),
):
    beam = make_beam(seed, segments=100, photons=photons, noise=noise, disorder=disorder)
    for version in (2, 3):
        score = yapc_scores(
            version, beam.count, beam.distance, beam.along, beam.height, [[0, len(beam.count)]], win_h=win_h)
        digest.update(score.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="names kinds of x86-64")
def test_every_kind_of_cpu_gives_the_same_scores(tmp_path: Path) -> None:
    digests = {}
    for cpu in ("", "x86-64", "x86-64-v3"):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / (cpu or "native"))}
        if cpu:
            environment |= {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
        command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests[cpu or "native"] = done.stdout.strip()
    assert all(digests.values())
    assert len(set(digests.values())) == 1, digests
