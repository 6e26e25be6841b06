"""What this machine offers to jobs: cores and GPUs, found without importing torch."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import re
import shutil
import subprocess
import sys


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
    return list(itertools.takewhile(lambda name: name not in ("", "-1"), chosen.replace(" ", "").split(",")))
