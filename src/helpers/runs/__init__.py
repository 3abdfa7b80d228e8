"""Runs: carried out stage by stage, stored whole, estimated beforehand, many at once.

May import: errors, paths, lookup, settings_file, archive, data, models, hosted, training,
    attacks, mitigations, judging, experiments, presets, screening, auditing.
First met in: notebook 00.
"""
