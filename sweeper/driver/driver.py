"""Brings a command's trials to their end through a backend: prepares, starts, follows and retries them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sweeper.backends import Backend, Job, JobState, Phase
from sweeper.driver.execute import execute, prepare
from sweeper.driver.live import PreparationProgress, SweepView
from sweeper.driver.sweep_trial import SweepTrial
from sweeper.errors import WrongInput
from sweeper.frameworks.inputs import Preparation, preparations
from sweeper.records import provenance
from sweeper.records.logs import last_message
from sweeper.records.progress import read_progress
from sweeper.records.study import Study
from sweeper.trial.outcome import Status

# The record of a trial that another process runs is read more seldom: reading takes its lock for an instant.
ATTACHED_POLL_SECONDS = 1.0


class Driver:
    """Brings trials to their end through a backend, and shows where they stand."""

    def __init__(self, study: Study, backend: Backend, view: SweepView):
        self.study = study
        self.backend = backend
        self.view = view
        self.preparations: list[Preparation] = []  # made by jobs that trials wait for
        self.jobs: dict[str, str] = {}  # ids that the study knows
        self.launch: dict[str, Any] = {
            "command": provenance.command_line(),
            "directory": str(Path.cwd()),
            **(states := provenance.states_of_code()),
        }
        if not study.predictions:
            self.launch["predictions"] = False
        if backend.traits.outlives:  # what runs later and elsewhere may not find what was submitted
            self.launch["submitted"] = {"versions": provenance.versions(), **states}

    def run(self, trials: Sequence[SweepTrial]) -> None:
        """Start what has not ended, and return when each trial has."""
        if self.backend.traits.outlives:
            self.hand_over(trials)
            self.view.update([item.row() for item in trials])
        else:
            self._prepare([item for item in trials if not item.ended])
            self.view.update([item.row() for item in trials])
            self._start([item for item in trials if not item.ended and item.status is not Status.RUNNING])
        self._follow(trials)

    def hand_over(self, trials: Sequence[SweepTrial]) -> None:
        """Take on the jobs that earlier commands left, and start the other trials behind what makes their inputs."""
        self.study.remember([item.trial for item in trials])
        with self.study.starting():
            for item in trials:
                item.refresh(retry=True)
            # A trial that failed or was cancelled is tried again, while its last job may still be on its way out.
            attached = self.backend.attach([item.trial.name for item in trials if item.status.ended])
            for item in trials:
                item.started = item.trial.name in attached
            new = [item for item in trials if not (item.ended or item.started or item.status is Status.RUNNING)]
            jobs = self._preparation_jobs(new)
            self.backend.start([job for job in jobs if job.key not in attached])
            self._start(new)
            states = self.backend.poll()
        self._remember(states)
        for item in trials:
            if item.started:
                item.follow_job(states[item.trial.name])

    def _follow(self, trials: Sequence[SweepTrial]) -> None:
        while True:
            states = self.backend.poll()
            again = [item for item in trials if not item.ended and self._update(item, states)]
            if again:
                self._start_again(again)
            self._remember(states)
            self._show_preparations()
            self.view.update([item.row() for item in trials], self.backend.trouble)
            if all(item.ended for item in trials):
                return
            time.sleep(self.backend.traits.poll_seconds)

    def _remember(self, states: Mapping[str, JobState]) -> None:
        """Keep the ids that a scheduler has given to jobs with the study."""
        known = {key: state.id for key, state in states.items() if state.id}
        if known != self.jobs:
            self.jobs = known
            self.study.remember_jobs(known)

    def _prepare(self, trials: Sequence[SweepTrial]) -> None:
        """Make what several trials read, each thing once; a trial whose inputs cannot be made ends here."""
        jobs = self._preparation_jobs(trials)
        self.backend.start(jobs)
        while jobs:
            states = self.backend.poll()
            self._show_preparations()
            if all(states[job.key].phase is Phase.ENDED for job in jobs):
                break
            time.sleep(self.backend.traits.poll_seconds)
        self.preparations.clear()  # what failed is shown no longer
        for item in trials:
            if missing := preparations(item.trial):
                log = next((job.log for job in jobs if job.key == item.preparation), jobs[0].log)
                item.give_up(f"{missing[0].title} failed: {last_message(log)}", log)

    def _preparation_jobs(self, trials: Sequence[SweepTrial]) -> list[Job]:
        """Return the fewest jobs that make all that is missing, those that make most first; views show them."""
        makers: dict[Path, str] = {}
        jobs = []
        missing = [(item, preparations(item.trial)) for item in trials]
        for item, needed in sorted(missing, key=lambda pair: -len(pair[1])):
            new = [step for step in needed if step.directory not in makers]
            if new:
                key = f"prepare {item.trial.name}"
                log = self.study.directory / ".preparation" / f"{key}.log"
                jobs.append(Job(key, partial(prepare, item.trial), log))
                makers |= {step.directory: key for step in new}
                self.preparations += new
            item.preparation = makers[needed[-1].directory] if needed else None
        return jobs

    def _show_preparations(self) -> None:
        for item in self.preparations:
            told = read_progress(item.progress_file)
            step, steps, loss = (told.step, told.steps, told.loss) if told else (0, 1, math.nan)
            done = item.directory.exists()
            self.view.prepare(PreparationProgress(item.title, steps if done else step, steps, loss))

    def _start(self, trials: Sequence[SweepTrial]) -> None:
        """Hand trials to the backend; an earlier launch's failure no longer counts."""
        for item in trials:
            if item.status in (Status.FAILED, Status.CANCELLED):
                with item.record.writing() as writer:
                    writer.forget_failure()
            item.started = True
        self.backend.start([self._job(item) for item in trials])

    def _job(self, item: SweepTrial) -> Job:
        call = partial(execute, item.trial, item.record.path.absolute(), self.launch)
        return Job(item.trial.name, call, item.record.log, (item.preparation,) if item.preparation else ())

    def _start_again(self, trials: Sequence[SweepTrial]) -> None:
        """Start trials whose job or process has died, unless another command that follows them has done so."""
        died = [item for item in trials if item.started]
        try:
            with self.study.starting():
                attached = self.backend.attach()
                self._start([item for item in trials if item.trial.name not in attached])
        except WrongInput:  # the scheduler does not answer; it is tried again at the next poll
            return
        for item in trials:
            item.started = True
        for item in died:
            item.retries += 1

    def _update(self, item: SweepTrial, states: Mapping[str, JobState]) -> bool:
        """Update a trial from its record and its job; returns whether it is to be started again."""
        if not item.started:
            return _orphaned(item)
        job = states[item.trial.name]
        if job.phase is not Phase.ENDED:
            item.follow_job(job)
            # The record is the truth, and there before a scheduler tells; a child of this process has to end as well.
            if self.backend.traits.outlives and item.record.outcome() is not None:
                item.refresh()
            return False
        item.refresh()
        if item.status is Status.RUNNING:
            item.started = False  # another process was quicker: attached to it
        elif not item.ended and job.cancelled:
            item.record_cancellation(job.reason)
        elif not item.ended and item.retries < self.backend.traits.retries:
            return True
        elif not item.ended:
            item.give_up(job.reason or "ended without an outcome", item.record.log)
        return False


def _orphaned(item: SweepTrial) -> bool:
    """Update a trial that another process runs; returns whether to take it over, that process having died."""
    if time.monotonic() - item.looked < ATTACHED_POLL_SECONDS:
        return False
    item.refresh()
    return not item.ended and item.status is not Status.RUNNING
