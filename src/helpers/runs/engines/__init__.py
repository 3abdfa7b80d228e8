"""Who carries out many runs: one file each.

May import: errors, lookup, runs.
First met in: notebook 01.
"""
