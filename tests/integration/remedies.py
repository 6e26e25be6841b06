"""What a refusal tells to type: the settings in its lines after the first, and whether they can be typed."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from sweeper.config.sources import CONFIG_DIRECTORY
from sweeper.data.cls_books import ClsBooks
from sweeper.data.corpus import Corpus
from sweeper.data.files import Files
from sweeper.data.hub import Hub
from sweeper.data.questions import QuestionFiles, QuestionHub

SETTING = re.compile(r"(?:\+\+?|~)?[a-z_][\w./]*=.+")
# What stands for a value of the user's own, and what is left out
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b|\b[AN]\b|[…{}<>]|\.\.\.")
# Of sweeper.report, and of what files of other programs say
OTHERS = ("reference=", "activation_fn=", "layernorm_embedding=", "hidden_act=")


def remedies(said: str) -> list[str]:
    """Return the whole settings that a refusal tells to type, each as a shell hands it on."""
    found = []
    for line in said.strip().splitlines()[1:]:
        for argument in _arguments(line.partition("columns there: ")[0]):
            setting = argument.rstrip(",;:.")
            setting = setting if "(" in setting else setting.rstrip(")")
            if SETTING.fullmatch(setting) and not PLACEHOLDER.search(setting) and not setting.startswith(OTHERS):
                found.append(setting)
    return found


def _arguments(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an apostrophe that is one
        return line.split()


def why_not(setting: str) -> str:
    """Say why a setting cannot be typed after -m; empty where it can be."""
    try:
        override = OverridesParser.create().parse_override(setting)
    except Exception as error:
        return str(error)
    key = str(override.key_or_group)
    group = (CONFIG_DIRECTORY / key).is_dir() or key == "hydra/launcher"
    open_ended = key.startswith(("framework.options.", "data.verbalisers.", "hydra.launcher.sbatch."))
    return "" if group or open_ended or key in known_keys() else f"there is no setting {key}"


@cache
def known_keys() -> frozenset[str]:
    """The keys that any command knows, whatever its data set and launcher."""
    configs = [compose("config", return_hydra_config=True)]
    configs.append(compose("config", ["hydra/launcher=slurm"], return_hydra_config=True))
    keys = {key for config in configs for key in _keys(OmegaConf.to_container(config, resolve=False))}
    data = (ClsBooks, Corpus, Files, Hub, QuestionFiles, QuestionHub)
    keys |= {f"data.{name}" for kind in data for name in kind.__dataclass_fields__}
    return frozenset(keys | {"corpus", "out"})


def _keys(node: Any, above: str = "") -> set[str]:
    if not isinstance(node, dict):
        return set()
    found = {f"{above}{name}" for name in node}
    return found.union(*(_keys(value, f"{above}{name}.") for name, value in node.items()))
