"""Presets: the loader beside its YAML files.

May import: errors, paths, settings_file, lookup, experiments, training.
First met in: notebook 00.
"""
