"""Where a run is carried out: on this machine, or at a provider.

May import: errors, data, models, hosted, training, attacks, mitigations, judging, experiments.
First met in: notebook 01.
"""
