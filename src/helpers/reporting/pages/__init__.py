"""Pages that stand by themselves: one file each, nothing fetched, nothing run, light and dark.

May import: errors, text, paths, experiments, data, presets, runs, reporting.
First met in: notebook 00.
"""
