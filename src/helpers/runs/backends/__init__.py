"""Where a run is carried out: on this machine, or at a provider.

May import: errors, lookup, models, hosted, training, mitigations, experiments, runs.
First met in: notebook 01.
"""
