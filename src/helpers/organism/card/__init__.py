"""Card: what the organism is like and unlike a real model, every line measured on what ships.

May import: errors, paths, digests, statistics, archive, data, models, training, judging,
    experiments, presets.
First met in: notebook 00.
"""
