"""Where the configuration's YAML files lie."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
# A wheel has them inside the package.
CONFIG_DIRECTORY = next(place for place in (HERE / "conf", HERE.parent / "conf") if place.is_dir())
