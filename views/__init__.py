"""What people look at: profiles and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from .map import plot_map as plot_map
    from .profile import plot_profile as plot_profile

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"map": ["plot_map"], "profile": ["plot_profile"]}
)
