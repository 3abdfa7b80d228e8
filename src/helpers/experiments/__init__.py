"""The experiment: one frozen value that names a run, its id, its rows and its prompts.

May import: errors, paths, lookup, digests, archive, data, models, hosted, training, attacks,
    mitigations, judging.
First met in: notebook 01.
"""
