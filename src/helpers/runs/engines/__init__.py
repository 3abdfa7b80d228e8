"""Who carries out many runs: one file each.

May import: errors, lookup, experiments.
First met in: notebook 01.
"""
