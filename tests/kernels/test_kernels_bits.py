"""The same bits on every kind of CPU: compiled for this one, for a plain x86-64 and for one with AVX2."""

from __future__ import annotations

from pathlib import Path

import pytest
from cpus import assert_same_bits, on_x86_64

SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from beams import make_beam, run
from twin import Request
digest = hashlib.sha256()
for seed, photons, rough, request in (
    (1, 40, 0.1, Request()), (2, 150, 0.3, Request(len=100, res=10)), (3, 300, 4.0, Request(cnf=(2, 3, 4))),
    (4, 200, 0.1, Request(len=20, res=100, ats=5)), (5, 2, 0.1, Request(pass_invalid=True, cnt=1)),
):
    _, extents, fits = run(make_beam(seed, segments=150, photons=photons, rough=rough), request)
    for column in (*fits, extents.first, extents.centre, extents.segment_id):
        digest.update(column.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
@on_x86_64
def test_every_kind_of_cpu_gives_the_same_bits(tmp_path: Path) -> None:
    assert_same_bits(SCRIPT, tmp_path)
