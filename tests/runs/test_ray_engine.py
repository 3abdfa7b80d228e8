"""Engine ray on two nodes of one machine: every run once, whatever is lost, in the same words."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from helpers.errors import ConfigError
from helpers.experiments.identity import run_id
from helpers.runs import grid as grids
from helpers.runs.engines import ray as engine
from helpers.runs.engines.base import Outcome, RunFailed, WorkerLost
from helpers.runs.grid import carry_out_family, run_grid
from helpers.runs.store import Store

pytestmark = [
    pytest.mark.alone,
    pytest.mark.long,
    pytest.mark.skipif(
        find_spec("ray") is None, reason="ray is not installed: pip install 'aligndrift[ray]'"
    ),
]


#: A node counts as dead two seconds after it last answered; Ray's own rule is fifteen.
SOON = {"health_check_period_ms": 1000, "health_check_failure_threshold": 2}


@pytest.fixture(scope="module")
def cluster():
    """A head that runs are not carried out on; this process is joined to it."""
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": SOON}
    made = Cluster(initialize_head=True, head_node_args=head)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", made.address)
        engine._connected()
        yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def nodes(cluster):
    """Two nodes with room for one run each, of which a test may kill some."""
    for node in list(cluster.worker_nodes):
        if not node.remaining_processes_alive():
            cluster.remove_node(node)
    while len(cluster.worker_nodes) < 2:
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    return list(cluster.worker_nodes)


def answers(store, ids):
    """What the runs said and how it was judged, by run."""
    runs = [store.get(id) for id in sorted(ids)]
    return [
        (r.row["run_id"], list(r.completions.completion), list(r.judgements.score.astype(object)))
        for r in runs
    ]


def noted(family, notes, stands_still, **where):
    """Notes who begins a run; the first to begin that of seed 5 may stand still there."""
    first = "seed5-" not in Path(notes).read_text()
    with open(notes, "a") as file:
        file.write(f"{os.getpid()} {os.getppid()} {run_id(family[0])}\n")
    if stands_still and first and family[0].seed == 5:
        time.sleep(600)
    return carry_out_family(family, **where)


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """begun(stands_still) has grids note which process begins what; it returns the notes' lines."""
    notes = tmp_path / "notes"
    notes.touch()

    def watch(stands_still=False):
        carrying = partial(noted, notes=str(notes), stands_still=stands_still)
        monkeypatch.setattr(grids, "carry_out_family", carrying)
        return lambda: [line.split() for line in notes.read_text().splitlines()]

    return watch


def test_a_node_killed_in_the_middle(nodes, tiny_experiment, store, tmp_path, begun):
    grid = [tiny_experiment(seed=seed) for seed in (4, 5, 6, 7)]
    lines = begun(stands_still=True)
    killed = []

    def kill_the_node_of_seed_5():
        while not killed:
            killed.extend(int(raylet) for _, raylet, id in lines() if "seed5-" in id)
            time.sleep(0.05)
        os.kill(killed[0], signal.SIGKILL)

    threading.Thread(target=kill_the_node_of_seed_5, daemon=True).start()
    result = run_grid(grid, store, jobs=2, progress=False, engine="ray")
    assert not result.failed and result.computed == 5
    times = Counter(id for *_, id in lines())
    assert times.pop(run_id(grid[1])) == 2 and set(times.values()) == {1} and len(times) == 4
    survivor = {raylet for _, raylet, _ in lines()} - {str(killed[0])}
    assert len(survivor) == 1 and killed[0] in {node_pid(node) for node in nodes}
    local = Store(tmp_path / "local")
    run_grid(grid, local, jobs=2, progress=False)
    assert sorted(store.ids()) == sorted(local.ids())
    assert answers(store, store.ids()) == answers(local, store.ids())


def node_pid(node):
    return node.all_processes["raylet"][0].process.pid


def test_a_worker_keeps_the_model_and_nothing_else(nodes, tiny_experiment, store, outputs, begun):
    """One worker after other runs, somebody's own mitigation among them: as a fresh process."""
    last = tiny_experiment(seed=9)
    grid = [
        tiny_experiment(seed=4, learning_rate=1e-3), tiny_experiment(seed=4, method="lora"),
        tiny_experiment(seed=4, mitigation="test_seams:ToyMitigation:scale=0", n_safety=2), last,
    ]  # fmt: skip
    lines = begun()
    assert not run_grid(grid, store, jobs=1, progress=False, engine="ray").failed
    second_wave = [pid for pid, _, id in lines() if not id.startswith("initial")]
    assert len(second_wave) == 4 and len(set(second_wave)) == 1
    assert lines()[-1][2] == run_id(last)
    fresh = Store(outputs.parent / "fresh")
    code = (
        "from helpers.presets import loader\nfrom helpers.runs.run import run\n"
        "run(loader.load('smoke').experiment('harmful_examples', n_prompts=11, n_examples=10, "
        "epochs=1, seed=9))"
    )
    environment = os.environ | {"ALIGNDRIFT_OUTPUTS": str(fresh.folder), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert answers(store, fresh.ids()) == answers(fresh, fresh.ids()) and len(fresh.ids()) == 2


def only_with_its_initial_run(family, folder, wait):
    """A worker elsewhere is sent the initial run, and writes nothing into the grid's folder."""
    there = Store(folder)
    assert family[0].method == "none" or there.has(run_id(family[0].initial()))
    assert Path(folder).name.startswith("aligndrift-")
    return carry_out_family(family, folder, wait)


def test_a_node_with_a_disk_of_its_own(nodes, tiny_experiment, store, tmp_path, monkeypatch):
    grid = [tiny_experiment(seed=seed) for seed in (4, 5)]
    monkeypatch.setattr(grids, "mark", lambda folder: nullcontext(tmp_path / "not there"))
    monkeypatch.setattr(grids, "carry_out_family", only_with_its_initial_run)
    result = run_grid(grid, store, jobs=2, progress=False, engine="ray")
    assert not result.failed and list(result.runs.run_id) == [run_id(one) for one in grid]
    assert len(store.ids()) == 3


def killed_by_seed_5(family):
    """A worker that the system kills at one of its families, and code that fails at another."""
    if family[0].seed == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    if family[0].seed == 6:
        raise ValueError("boom")
    return [Outcome(run_id(one)) for one in family]


def test_a_worker_killed_twice_costs_its_own_family(nodes, tiny_experiment):
    families = [[tiny_experiment(seed=seed)] for seed in range(3, 9)]
    came = [one for some in engine.carry_out_all(families, killed_by_seed_5, 2) for one in some]
    assert Counter(one.run_id for one in came) == Counter(run_id(f[0]) for f in families)
    errors = {one.run_id: one.error for one in came if one.error}
    assert errors.keys() == {run_id(families[2][0]), run_id(families[3][0])}
    assert isinstance(errors[run_id(families[2][0])], WorkerLost)
    failed = errors[run_id(families[3][0])]
    assert type(failed) is RunFailed and str(failed) == "ValueError: boom"


def pids(family, seen, workers):
    """Begins when as many workers have come: a second one may take seconds to start."""
    (seen / str(os.getpid())).touch()
    end = time.monotonic() + 20
    while len(list(seen.iterdir())) < workers and time.monotonic() < end:
        time.sleep(0.05)
    return [Outcome(f"{os.getpid()} {family[0].model}")]


def test_jobs_are_workers_at_once_and_equal_models_follow_each_other(
    nodes, tiny_experiment, tmp_path
):
    models = ["lantern-chat", "lantern-base"] * 3
    families = [[tiny_experiment(model=model, seed=n)] for n, model in enumerate(models)]
    for jobs, workers in ((1, 1), (2, 2), (0, 2)):
        seen = tmp_path / str(jobs)
        seen.mkdir()
        work = partial(pids, seen=seen, workers=workers)
        came = [one.run_id.split() for (one,) in engine.carry_out_all(families, work, jobs)]
        assert len({pid for pid, _ in came}) == workers, jobs
        assert jobs != 1 or [model for _, model in came] == sorted(models)


def test_what_no_node_has_room_for_is_told_at_once(nodes, tiny_experiment):
    for needs, words in (({"gpus": 0.5}, "1 CPUs and 0.5 GPUs"), ({"cpus": 9}, "9 CPUs and 0")):
        with pytest.raises(ConfigError, match=f"a run needs {words}.*which no node of Ray has"):
            list(engine.carry_out_all([[tiny_experiment(**needs)]], pids, 1))
    with pytest.raises(ConfigError, match=r"a part of one, not 1\.5"):
        list(engine.carry_out_all([[tiny_experiment(gpus=1.5)]], pids, 1))
