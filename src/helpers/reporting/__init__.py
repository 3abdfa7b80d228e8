"""What the runs come to: results over seeds, the paper's tables and claims, notebooks, the report.

May import: errors, text, paths, statistics, archive, data, models, attacks, mitigations, judging,
    experiments, presets, screening, auditing, plots, exercises, runs, training.
First met in: notebook 00.
"""
