"""Engines: no more workers than work, a killed one costs its own, and none outlives its grid."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from joblib import cpu_count

from helpers.errors import ConfigError
from helpers.experiments.identity import run_id
from helpers.runs.engines import cores, ray, threads
from helpers.runs.engines.base import Outcome, WorkerLost, engine_named


def outcomes_of(family):
    return [Outcome(run_id(experiment)) for experiment in family]


def killed_by_seed_5(family):
    """A worker that the system kills, for want of memory say, at one of its families."""
    if family[0].seed == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)  # so that others are under way meanwhile
    return outcomes_of(family)


def waits(family):
    time.sleep(60)
    return outcomes_of(family)


def workers():
    """The live children of this process that are workers."""
    return [p for p in psutil.Process().children() if "popen_loky" in " ".join(p.cmdline())]


@pytest.fixture
def no_warm_workers():
    yield
    while cores._warm:
        cores._warm.pop().shutdown(kill_workers=True)


@pytest.mark.long
def test_a_killed_worker_costs_its_own_family_and_is_replaced(tiny_experiment, no_warm_workers):
    families = [[tiny_experiment(seed=seed)] for seed in range(3, 10)]
    came = [one for some in cores.carry_out_all(families, killed_by_seed_5, 2) for one in some]
    assert {one.run_id for one in came} == {run_id(family[0]) for family in families}
    (lost,) = [one for one in came if one.error]
    assert lost.run_id == run_id(families[2][0]) and isinstance(lost.error, WorkerLost)
    # One that is killed while it waits for the next grid costs nothing.
    for process in workers():
        process.kill()
    time.sleep(0.5)
    came = [one for some in cores.carry_out_all(families[:2], outcomes_of, 2) for one in some]
    assert len(came) == 2 and not any(one.error for one in came)


@pytest.mark.long
def test_no_more_workers_than_families_and_what_a_core_can_use(tiny_experiment, no_warm_workers):
    families = [[tiny_experiment(seed=seed)] for seed in range(3, 6)]
    assert sum(map(len, cores.carry_out_all(families, outcomes_of, 100_000))) == 3
    assert len(workers()) == len(cores._warm) == min(3, cores.A_CORE * cpu_count())
    begun = {process.pid for process in workers()}
    assert sum(map(len, cores.carry_out_all(families * 9, outcomes_of, 100_000))) == 27
    assert len(workers()) <= cores.A_CORE * cpu_count()
    assert begun <= {process.pid for process in workers()}  # they were warm


@pytest.mark.long
def test_who_stops_a_grid_stops_its_workers(tiny_experiment, no_warm_workers):
    def first_then_waits(family):
        return outcomes_of(family) if family[0].seed == 3 else waits(family)

    families = [[tiny_experiment(seed=seed)] for seed in range(3, 8)]
    engine = cores.carry_out_all(families, first_then_waits, 2)
    next(engine)
    begun = time.monotonic()
    engine.close()
    assert time.monotonic() - begun < 5
    assert len(workers()) <= 1  # the one that had not begun anew


def test_threads_are_no_more_than_families_and_who_stops_need_not_wait(tiny_experiment):
    families = [[tiny_experiment(seed=seed)] for seed in range(3, 9)]
    assert sum(map(len, threads.carry_out_all(families, outcomes_of, 100_000))) == 6
    begun = []

    def slow(family):
        begun.append(family)
        time.sleep(0.1 if family[0].seed == 3 else 3)
        return outcomes_of(family)

    engine, start = threads.carry_out_all(families, slow, 2), time.monotonic()
    next(engine)
    engine.close()
    assert time.monotonic() - start < 2 and len(begun) <= 3


def test_without_ray_one_is_told(tiny_experiment, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"engine ray needs ray; pip install 'aligndrift\[ray\]'"):
        list(engine_named("ray")([[tiny_experiment()]], outcomes_of, 1))
    assert not list(engine_named("ray")([], outcomes_of, 1))  # all stored, or at a provider


def test_the_environment_names_the_engine_where_nothing_else_does(monkeypatch):
    assert engine_named("") is cores.carry_out_all
    monkeypatch.setenv("ALIGNDRIFT_ENGINE", "ray")
    assert engine_named("") is ray.carry_out_all and engine_named("local") is cores.carry_out_all
    monkeypatch.setenv("ALIGNDRIFT_ENGINE", "rey")
    with pytest.raises(ConfigError, match="did you mean ray"):
        engine_named("")


GRID = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
from helpers.presets import loader
from helpers.runs.grid import run_grid
smoke = loader.load("smoke")
grid = [smoke.experiment("harmful_examples", n_examples=10, epochs=1, n_prompts=11, seed=s)
        for s in range(10, 40)]
try:
    run_grid(grid, jobs=2, progress=False)
except KeyboardInterrupt as error:
    print(error)
"""


def sweep(outputs):
    """A sweep under way in a process of its own that has stored three runs, and its workers."""
    process = subprocess.Popen(
        [sys.executable, "-c", GRID], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"ALIGNDRIFT_OUTPUTS": str(outputs)}, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(list(outputs.glob("runs/[!.]*/run.json"))) < 3:
        assert time.monotonic() < deadline and process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    return process, psutil.Process(process.pid).children(recursive=True)


@pytest.mark.long
def test_the_workers_of_a_killed_sweep_end_within_seconds(outputs):
    process, children = sweep(outputs)
    assert len(children) >= 2
    process.kill()  # it alone, with no word to its workers
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


@pytest.mark.long
@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c_ends_a_sweep_at_once_and_says_what_is_kept(outputs, whole_group):
    process, children = sweep(outputs)
    send = os.killpg if whole_group else os.kill
    send(process.pid, signal.SIGINT)
    printed, errors = process.communicate(timeout=10)
    kept = len(list(outputs.glob("runs/[!.]*/run.json")))
    assert f"stopped; {kept} of 31 runs are stored and kept" in printed
    assert "Traceback" not in errors and "Warning" not in errors
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
