"""Where: a region of any kind, the exact test of positions, and what covers it for a catalog."""

from .mask import RegionMask
from .region import Region

__all__ = ["Region", "RegionMask"]
