"""The same scores on every kind of CPU: compiled for this one, for a plain x86-64 and for one with AVX2."""

from __future__ import annotations

from pathlib import Path

import pytest
from cpus import assert_same_bits, on_x86_64

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
@on_x86_64
def test_every_kind_of_cpu_gives_the_same_scores(tmp_path: Path) -> None:
    assert_same_bits(SCRIPT, tmp_path)
