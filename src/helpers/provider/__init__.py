"""The embedded provider: fine-tuning as a service over the embedded model, on this machine.

`aligndrift serve` answers the API that OpenAI-compatible clients speak, so that hosted
fine-tuning can be studied without a provider, a key or a bill, and so that a provider's defenses
can be switched on and measured.

    app        the paths, and what comes of them
    protocol   request bodies, their checks, errors, and the objects of a reply
    records    files, jobs, events and models, in SQLite: a restart goes on where it stopped
    trainer    the process that carries out one job after the other
    defenses   what a provider may do: moderate uploads, mix in refusals, audit before release
    answers    completions, those that come at the same time computed together
    embedded   starts a provider for those who have none
"""

#: What a provider can switch on (helpers.provider.defenses).
DEFENSES = ("moderation", "mixing", "audit")

#: Where a job's metadata names defenses that it is to meet.
METADATA = "aligndrift_defenses"

#: The model that knows the world's truth (helpers.provider.judge_model).
TRUTH = "lantern-truth"
