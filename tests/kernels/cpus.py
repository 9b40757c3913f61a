"""The same script under kernels compiled for several kinds of CPU."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

on_x86_64 = pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="names kinds of x86-64")


def assert_same_bits(script: str, folder: Path) -> None:
    """Run a script, which prints a digest, for this CPU, a plain x86-64 and one with AVX2; all print the same."""
    digests = {}
    for cpu in ("", "x86-64", "x86-64-v3"):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / (cpu or "native"))}
        if cpu:
            environment |= {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
        command = [sys.executable, "-c", script, str(Path(__file__).parent)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests[cpu or "native"] = done.stdout.strip()
    assert all(len(digest) == 64 for digest in digests.values()), digests
    assert len(set(digests.values())) == 1, digests
