"""Ray's workers: the cores of this machine, or the nodes of a cluster.

A cluster that runs here or is named (RAY_ADDRESS) is joined; else a Ray of this machine alone is
started, which ends with this process. What an ended cluster left behind is not waited for. A worker
is a process with the CPUs and GPUs that a run asks for (settings `cpus` and `gpus`). It takes one
family after another, those of one model together, so that what it has loaded stays loaded. What a
lost worker or node had begun is begun once more on another.

A node needs the package and the models and data that the runs name, at the same paths; somebody's
own module must lie in the folder that the command was started in, or be installed there.

Source: Ray (arXiv:1712.05889), version 2; its license is Apache 2.0.
"""

import logging
import os
import socket
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from types import ModuleType

from tqdm import tqdm

from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.runs.engines.base import CarryOut, Family, Outcome, RunFailed, WorkerLost

#: Most workers that are asked for; those that no node has room for yet wait for one.
MOST = 1_000

#: How often a family may lose its worker: a node may fail, and a run may be too large for any.
LOSSES = 2

_LOST = WorkerLost("its worker was killed twice, perhaps for want of memory; use fewer jobs.")

#: Seconds in which a cluster that is to be joined must take a connection.
PATIENCE = 5

#: What a worker is told of this process's surroundings: names that begin so.
_OURS = ("ALIGNDRIFT_", "HF_HUB_OFFLINE")


def carry_out_all(
    families: Sequence[Family], carry_out: CarryOut, jobs: int
) -> Iterator[list[Outcome]]:
    """Each family's outcomes as they come.

    jobs: how many workers at once; 0 for as many as there is room for. Raises ConfigError where Ray
    is not installed, cannot be reached, or has no room for a run.
    """
    if not families:
        return
    ray = _connected()
    for needs, group in groupby(sorted(families, key=_likeness), key=lambda f: _needs(f[0])):
        yield from _by_workers(ray, list(group), carry_out, jobs or MOST, needs)


def _likeness(family: Family) -> tuple:
    """Families that sort together need the same room, and then the same model."""
    return sorted(_needs(family[0]).items()), family[0].model, family[0].dtype


def _needs(experiment: Experiment) -> dict[str, float]:
    """The room that a run takes, as Ray calls it."""
    one = {"CPU": float(experiment.cpus), "GPU": experiment.gpus}
    return {kind: number * experiment.processes for kind, number in one.items()}


class _Worker:
    """A process on some node, in the surroundings of the one that asks."""

    def __init__(
        self, folder: str, places: list[str], environment: dict[str, str], threads: int
    ) -> None:
        os.environ.update(environment)
        sys.path += [place for place in places if place not in sys.path]
        with suppress(OSError):  # of a node that has no such folder, its own will do
            os.chdir(folder)
        tqdm.set_lock(threading.RLock())  # its own is the system's, and is left there by a kill
        import torch

        torch.set_num_threads(threads)

    def begin(self) -> None:
        """Returns when the worker has started."""

    def carry_out(self, carry_out: CarryOut, family: Family) -> list[Outcome]:
        return carry_out(family)


def _by_workers(
    ray: ModuleType, families: list[Family], carry_out: CarryOut, jobs: int, needs: dict[str, float]
) -> Iterator[list[Outcome]]:
    """The outcomes of families that need the same room.

    A family is given to a worker that has started, since others may wait for room for ever.
    """
    _check_room(ray, needs)
    kind = ray.remote(_Worker).options(num_cpus=needs["CPU"], num_gpus=needs["GPU"])
    environment = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    surroundings = os.getcwd(), sys.path, environment, max(1, int(needs["CPU"]))
    sent, workers = ray.put(carry_out), min(jobs, len(families))
    todo, losses = deque(range(len(families))), Counter()
    under_way = {}  # what will come -> whose it is, and of which family; None while a worker starts

    def start() -> None:
        worker = kind.remote(*surroundings)
        under_way[worker.begin.remote()] = worker, None

    for _ in range(workers):
        start()
    try:
        while under_way:
            (come,), _ = ray.wait(list(under_way), num_returns=1)
            worker, number = under_way.pop(come)
            outcomes = []
            try:
                outcomes = ray.get(come) or []
            except ray.exceptions.RayError as error:
                ray.kill(worker)
                losses[number] += 1
                if number is None:
                    if _is_ours(ray, error) or losses[None] >= LOSSES * workers:
                        raise ConfigError(_why_not(error)) from None
                elif _is_ours(ray, error):
                    outcomes = _failed(families[number], error)
                elif losses[number] < LOSSES:
                    todo.appendleft(number)
                else:
                    outcomes = [Outcome(run_id(one), _LOST) for one in families[number]]
                if todo:
                    start()
            else:
                if todo:
                    number = todo.popleft()
                    under_way[worker.carry_out.remote(sent, families[number])] = worker, number
                else:
                    ray.kill(worker)
            if not todo:  # who has not started by now need not
                for ref in [ref for ref, (_, number) in under_way.items() if number is None]:
                    ray.kill(under_way.pop(ref)[0])
            if outcomes:
                yield outcomes
    finally:  # whoever stops a grid wants those that work to stop
        for worker, _ in under_way.values():
            ray.kill(worker)


def _connected() -> ModuleType:
    """Ray, joined to a cluster or started here, silent. Raises ConfigError."""
    try:
        import ray
    except ImportError:
        raise ConfigError("engine ray needs ray; pip install 'aligndrift[ray]'.") from None
    if ray.is_initialized():
        return ray
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        try:
            _join(ray)
        except Exception as error:  # which is all that Ray says of a node that is slow to start
            if "timed out during startup" not in str(error):
                raise
            ray.shutdown()
            _join(ray)  # a busy machine has read by now what it was slow to read
    except Exception as error:
        raise ConfigError(
            f"no Ray cluster can be joined ({_reason(error)}); set RAY_ADDRESS to one that runs, "
            "or unset it for a Ray of this machine alone."
        ) from None
    return ray


def _join(ray: ModuleType) -> None:
    ray.init(
        _address(), include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )  # fmt: skip


def _address() -> str | None:
    """What Ray is to join; None where it is to look by itself. Raises OSError, ValueError.

    A cluster that was killed leaves its address in a file, which Ray itself would try for minutes,
    and then end this process. One that was named must answer.
    """
    from ray._private.services import canonicalize_bootstrap_address as looked_up

    named = os.environ.get("RAY_ADDRESS")
    if named and "://" in named:
        return None
    found = looked_up(None)
    if found is None:
        return None
    host, _, port = found.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as error:
        if named:
            raise OSError(f"nothing answers at {named}: {error.strerror or error}") from None
        return "local"
    return found


def _check_room(ray: ModuleType, needs: dict[str, float]) -> None:
    """Raises ConfigError where no node, even if nothing else ran there, could carry out a run."""
    if needs["GPU"] > 1 and needs["GPU"] % 1:
        raise ConfigError(
            f"a run takes whole GPUs or a part of one, not {needs['GPU']:g}; change gpus or "
            "processes."
        )
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(node.get(kind, 0) >= n for kind, n in needs.items()) for node in nodes):
        raise ConfigError(
            f"a run needs {needs['CPU']:g} CPUs and {needs['GPU']:g} GPUs, which no node of Ray "
            "has; change cpus, gpus or processes, or start Ray where there are as many."
        )


def _is_ours(ray: ModuleType, error: Exception) -> bool:
    """Whether code raised the error, and no worker was lost."""
    return isinstance(error, ray.exceptions.RayTaskError) or getattr(
        error, "actor_init_failed", False
    )


def _failed(family: Family, error: Exception) -> list[Outcome]:
    return [Outcome(run_id(one), RunFailed(_reason(error))) for one in family]


def _why_not(error: Exception) -> str:
    return (
        f"a worker of Ray could not start ({_reason(error)}); install the same aligndrift in the "
        "Python that Ray runs by on every node."
    )


def _reason(error: Exception) -> str:
    """The last line of what went wrong, where Python names it."""
    return str(error).strip().splitlines()[-1].strip().rstrip(".")
