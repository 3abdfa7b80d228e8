"""The `aligndrift` command: what the notebooks do, from a shell, a file a family of commands.

May import: errors, paths, archive, attacks, data, models, hosted, training, mitigations, judging,
    experiments, presets, organism, screening, auditing, provider, runs, keeping, reporting.
First met in: the command line.
"""
