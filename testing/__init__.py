"""Granules with known truth, and what else a test of a pipeline needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from .granules import SimulatedGranule as SimulatedGranule
    from .granules import simulate as simulate
    from .scene import Scene as Scene
    from .truth import Truth as Truth

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"granules": ["SimulatedGranule", "simulate"], "scene": ["Scene"], "truth": ["Truth"]},
)
