"""Widgets: lessons that one does, over the real engine, each with a picture where no kernel runs.

May import: errors, data, judging, experiments, models, plots, presets, reporting, runs.
First met in: notebook 00b.
"""
