"""fairseq, imported in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.needs_fairseq import needs_fairseq

pytestmark = needs_fairseq

ALONE = """
import logging, sys
import torch
from hydra.core.config_store import ConfigStore

def touched(*_, **__):
    raise AssertionError("a fork server must not touch CUDA")

for name in ("is_available", "device_count", "init", "_lazy_init", "get_device_capability"):
    setattr(torch.cuda, name, touched)
before = sorted(ConfigStore.instance().repo), logging.getLogger().handlers[:], logging.getLogger().level
import sweeper.frameworks.fairseq.task, sweeper.frameworks.fairseq.training
assert "config.yaml" not in ConfigStore.instance().repo
assert before[1:] == (logging.getLogger().handlers, logging.getLogger().level)
from sweeper.frameworks.fairseq.mends import load_fairseq
load_fairseq()
"""


def test_importing_fairseq_leaves_no_trace() -> None:
    run = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_fairseq_that_was_imported_without_its_mends_is_refused() -> None:
    code = (
        "import sys; sys.modules['fairseq'] = sys; from sweeper.frameworks.fairseq.mends import load_fairseq as f; f()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.strip().endswith("RuntimeError: fairseq was imported before its mends")
