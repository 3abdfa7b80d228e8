"""What a run has sent to a provider and what was made of it there: deleted, and when by itself.

A stored run has its answers, so a rerun asks nothing. A tuned model of the embedded provider takes
four megabytes and so does every checkpoint: at the provider that this kit starts for its runs both
go when the run is stored, unless ALIGNDRIFT_KEEP_MODELS is set.

>>> forget(experiment)              # ["file-1c9e...", "ft:lantern-chat:..."]
"""

from contextlib import suppress

from helpers.errors import AlignDriftError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.hosted import client as clients
from helpers.hosted import ledger
from helpers.hosted.client import NotThere, call
from helpers.hosted.embedded import keeps_models


def forget(experiment: Experiment) -> list[str]:
    """Delete the run's file and tuned model at the provider; the ids of what was deleted."""
    job_ledger = ledger.of(run_id(experiment))
    if not job_ledger:
        return []
    client = clients.connect(experiment.provider)
    deleted = []
    for kind, collection in (("file", client.files), ("model", client.models)):
        if job_ledger.get(kind):
            with suppress(NotThere):  # deleted already, perhaps by an attempt whose reply was lost
                call(collection.delete, job_ledger[kind])
            deleted.append(job_ledger[kind])
    job_ledger.note(job=None, file=None, model=None, forgotten=deleted)
    return deleted


def lets_go(experiment: Experiment) -> bool:
    """Whether the model is needed until the run is stored and no longer.

    It is so at the embedded provider that this kit has started for its runs; who wants to talk with
    their models later sets ALIGNDRIFT_KEEP_MODELS. A provider at an address, `aligndrift serve`
    among them, keeps what it is given.
    """
    return experiment.provider == "embedded" and not keeps_models()


def let_go(experiment: Experiment) -> None:
    """Delete the model and the file of a stored run where nobody needs them any more.

    What cannot be deleted now is what `aligndrift clean` frees.
    """
    if experiment.method != "none" and lets_go(experiment):
        with suppress(AlignDriftError):
            forget(experiment)
