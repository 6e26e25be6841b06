"""arch=of_model: the shape of model.path, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeper.checkpoints.hub import locate
from sweeper.errors import WrongInput
from sweeper.trial.settings import ArchSettings, Family

NAME = "of_model"


def setting_of_model(name: str, *, _parent_: Any, _root_: Mapping[str, Any]) -> Any:
    """Return an architecture setting of the checkpoint that model.path names for the family above the setting.

    The family has no name when the checkpoint is of another one. Raises WrongInput when model.path names none at all.
    """
    family = Family(_parent_._key())
    path = _root_["model"]["path"]
    if path is None:
        raise WrongInput(
            "arch=of_model is the shape of model.path, which is not given\n"
            "set model.path=DIR or model.path=OWNER/NAME, or another arch"
        )
    own = path_of(path, family)
    checkpoint = None if own is None else locate(own, weights=bool(_root_["model"]["pretrained"]))
    if checkpoint is None or checkpoint.family is not family:
        return "" if name == "name" else getattr(ArchSettings(), name)
    return NAME if name == "name" else checkpoint.settings().get(name, getattr(ArchSettings(), name))


def path_of(path: Any, family: Family) -> str | None:
    """Return model.path for an architecture family, where there may be one for each. Raises WrongInput for no path."""
    if isinstance(path, Mapping):
        unknown = sorted(set(path) - {member.value for member in Family})
        if unknown:
            raise WrongInput(f"model.path has the unknown family {unknown[0]!r}\nallowed: encoder, causal_lm")
        path = path.get(family.value)
    if path is not None and not isinstance(path, str):
        raise WrongInput(
            f"model.path={path!r} is no path\nallowed: DIR, a hub name, or {{encoder: DIR, causal_lm: DIR}}"
        )
    return path
