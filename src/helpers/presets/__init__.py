"""Presets: the loader beside its YAML files.

May import: errors, paths, experiments.
First met in: notebook 00.
"""
