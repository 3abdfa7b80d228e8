"""Examining a tuned model: suspicion scores, their thresholds, and how often they detect.

May import: statistics, experiments, runs.
First met in: notebook 06.
"""
