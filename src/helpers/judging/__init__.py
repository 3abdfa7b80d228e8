"""Judges: what a completion is scored by, one file each; their numbers are never merged into one.

May import: errors, text, paths, lookup, statistics, archive, data, models, hosted.
First met in: notebook 00.
"""
