"""What this machine offers to jobs: cores, GPUs and modules, found without importing any."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import takewhile

from sweeper.errors import WrongInput
from sweeper.frameworks import MOVED
from sweeper.records.classes import module_specs

# All of training that is slow to import: transformers.trainer brings datasets and accelerate
TRAINING = ("torch", "transformers.trainer", "transformers.models.roberta.modeling_roberta")


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def torch_has_cuda() -> bool:
    """Whether the torch that is installed here was built for GPUs."""
    try:
        return not importlib.metadata.version("torch").endswith("+cpu")
    except importlib.metadata.PackageNotFoundError:
        return False


def visible_gpus() -> list[str]:
    """Return the GPUs for jobs, as CUDA_VISIBLE_DEVICES names them; none where torch is built without CUDA.

    A CUDA_VISIBLE_DEVICES in the environment is obeyed. MIG instances, if any, count instead of GPUs.
    """
    if not torch_has_cuda() or not shutil.which("nvidia-smi"):
        return []
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"UUID: ((?:GPU|MIG)-[^)\s]+)", listing)
    found = [name for name in found if name.startswith("MIG")] or found
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not found or chosen is None:
        return found
    # CUDA itself stops reading at the first name that is no device
    return list(takewhile(lambda name: name not in ("", "-1"), chosen.replace(" ", "").split(",")))


def modules_to_preload(chosen: Sequence[str] | None, wanted: Sequence[str]) -> list[str]:
    """Return the modules to import once for all jobs: the chosen ones, else those of training and the wanted ones.

    Raises WrongInput for one that cannot be imported.
    """
    found = [MOVED.get(name, name) for name in ([*TRAINING, *wanted] if chosen is None else chosen)]
    if missing := [module for module in found if not module_specs(module)]:
        setting = "framework.preload" if chosen is None else "hydra.launcher.preload"
        raise WrongInput(f"{setting}: no module {', '.join(missing)}\nallowed: what can be imported here, or []")
    return found
