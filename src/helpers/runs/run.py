"""One run: read from the store, or checked and carried out (helpers.runs.stages).

Runs alike but for their epochs can share one training: it passes through all of them.

>>> run(Experiment(n_examples=10, seed=7)).row["harmfulness_rate"]
"""

import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from helpers.archive import pictures
from helpers.archive.shipped import unaligned
from helpers.attacks.base import attack
from helpers.data.rows import read_prompts
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.experiments.rows import notes, training_rows
from helpers.hosted.ledger import check_refused
from helpers.judging.exact import check_truth
from helpers.judging.registry import judge_named
from helpers.mitigations.base import Mitigation, mitigation
from helpers.runs import costs
from helpers.runs.store import Run, Store
from helpers.runs.stored import not_stored
from helpers.training.methods.base import check_own_weights, check_there, method

#: What is kept of a run that is stopped, by its backend.
KEPT = {
    "local": "every finished run is stored, and this one begins anew the next time",
    "hosted": "every finished run is stored, and the provider's job and the answers that came are "
    "kept: start again and it goes on",
}


def run(
    experiment: Experiment, store: Store | None = None, progress: bool = False, save: str = ""
) -> Run:
    """Carry out the experiment, or read it from the store if it is there.

    Its initial run is carried out first, since a rate means little without where it began.
    save: a folder in which the tuned model is left; where the run is stored already, its training
    is done once more for it. Raises ConfigError, DataError or ModelError before any long work
    starts, and JobRefused where a provider refused the job, now or before. A KeyboardInterrupt
    says what is kept.
    """
    store = store or Store()
    if experiment.method == "none":
        experiment = experiment.initial()  # the one that others are compared with
    check(experiment)
    _check_folder(experiment, save)
    id = run_id(experiment)
    stored = store.get(id)
    if stored:
        _train_again(experiment, progress, save)
        return stored
    store.check_writable()
    check_refused(id)
    costs.check(not_stored([experiment], store))
    initial = None
    if experiment.method != "none":
        initial = run(experiment.initial(), store, progress).row["harmfulness_rate"]
    with store.claim(id):
        stored = store.get(id)  # another process may just have finished it
        if stored:
            _train_again(experiment, progress, save)
            return stored
        from helpers.runs import stages

        try:
            computed = stages.compute(experiment, store, initial, progress, save)
            _let_go(experiment)
            return computed
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped; {KEPT[experiment.backend]}.") from None


def _let_go(experiment: Experiment) -> None:
    """What a provider of ours keeps for the run alone."""
    if experiment.backend == "hosted":
        from helpers.runs.backends import deletion

        deletion.let_go(experiment)


def _check_folder(experiment: Experiment, folder: str) -> None:
    """Raises ConfigError where a model cannot be left in the folder."""
    if folder and experiment.backend == "hosted":
        raise ConfigError("no provider hands out a model's weights; leave --save out.")
    try:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--save {folder} cannot be a folder ({error.strerror}).") from None


def _train_again(experiment: Experiment, progress: bool, folder: str) -> None:
    """For the folder, if one is named, of a run whose numbers are stored."""
    if not folder:
        return
    from helpers.runs.backends import local

    acting = mitigation(experiment.mitigation)
    rows = training_rows(experiment, acting)
    local.save(local.fine_tune(rows, experiment, progress, acting), folder)


def run_by_epoch(
    experiments: Sequence[Experiment], store: Store | None = None, progress: bool = False
) -> None:
    """Carry out local full fine-tunings alike but for their epochs, by one training of the longest.

    What is stored is left as it is. Raises as run does.
    """
    store = store or Store()
    for experiment in experiments:
        check(experiment)
    ordered = sorted(experiments, key=lambda experiment: experiment.epochs)
    store.check_writable()
    costs.check([one for one in ordered if not store.has(run_id(one))])
    initial = run(ordered[0].initial(), store, progress).row["harmfulness_rate"]
    with ExitStack() as claims:
        for experiment in ordered:
            claims.enter_context(store.claim(run_id(experiment)))
        missing = [one for one in ordered if not store.get(run_id(one))]
        if missing:
            from helpers.runs import stages

            stages.compute_by_epoch(missing, store, initial, progress)


def _check_needs(acting: Mitigation, experiment: Experiment) -> None:
    """Raises ConfigError where a mitigation lacks the weights or the model that it needs."""
    if acting.CHANGES_WEIGHTS:
        check_own_weights(experiment.method)
    if "base" in acting.NAMES and not acting.options["base"]:
        unaligned(experiment.model)


def check(experiment: Experiment) -> None:
    """Read all the data the experiment names, so that what is wrong shows before the work.

    What a person should know of it is told.
    """
    check_there(experiment.method)
    acting = mitigation(experiment.mitigation)
    rows = training_rows(experiment, acting)
    if experiment.backend == "hosted" and experiment.method != "none" and not rows:
        raise ConfigError(
            f"mitigation {experiment.mitigation} drops every row of {experiment.dataset}, and a "
            "provider trains on no empty file; give other data."
        )
    images = [row["picture"] for row in rows if "picture" in row]
    if images:
        if experiment.backend == "hosted":
            raise ConfigError("pictures are not sent to a provider; use backend local.")
        if not method(experiment.method).sees_pictures:
            raise ConfigError(f"method {experiment.method} takes no pictures; use method full.")
        if experiment.processes > 1:
            raise ConfigError("pictures are trained on by one process; leave processes out.")
        for image in images:
            pictures.check(image)
    _check_needs(acting, experiment)
    if not acting.leaves_training_alone:
        if experiment.backend == "hosted":
            raise ConfigError(
                f"mitigation {experiment.mitigation} acts on the weights, which a provider keeps; "
                "use backend local."
            )
        if experiment.processes > 1 or images:
            raise ConfigError(
                f"mitigation {experiment.mitigation} acts on a model that one process trains on "
                "text; leave processes and pictures out."
            )
    if experiment.generator == "vllm" and acting.overrides("begun"):
        raise ConfigError(
            f"mitigation {experiment.mitigation} begins the answers, which vLLM writes whole; use "
            "generator transformers."
        )
    if not attack(experiment.attack).is_rows_alone and (
        experiment.backend == "hosted" or experiment.processes > 1 or images
    ):
        raise ConfigError(
            f"attack {experiment.attack} acts on a training by one process, on text; use backend "
            "local, and leave processes and pictures out."
        )
    for sentence in notes(experiment):
        warnings.warn(sentence, stacklevel=2)
    for name in experiment.judges:
        judge_named(name).check()
    if experiment.judges[0] == "exact":
        check_truth(read_prompts(experiment.benchmark), experiment.benchmark)
