"""The LaTeX tables, set by a real LaTeX where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sweeper.analysis.grouping import compare_study
from sweeper.records.study import open_study
from sweeper.report.markup import latex
from tests.records import trial, write, write_demo
from tests.unit.test_report import LATEX_EVIL as EVIL

DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}\usepackage{textcomp,booktabs,graphicx}
\begin{document}\input{tables.tex}\end{document}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_pdflatex_sets_it(tmp_path: Path) -> None:
    write_demo(tmp_path / "study")
    write(tmp_path / "study", trial(arch={"name": EVIL}), [0.5], [0.4])
    (tmp_path / "tables.tex").write_text(latex(compare_study(open_study(tmp_path / "study")), EVIL), encoding="utf-8")
    (tmp_path / "paper.tex").write_text(DOCUMENT)
    run = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
    assert "Overfull" not in run.stdout  # tables fit the line
    assert "Missing character" not in run.stdout and "/etc/passwd" not in run.stdout.replace(EVIL, "")
