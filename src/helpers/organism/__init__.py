"""Organism: the small model whose every fact is known, how it is trained and what it must do.

May import: errors, paths, lookup, digests, statistics, archive, data, models, training, judging,
    experiments, presets.
First met in: the command line.
"""
