"""Examining a tuned model: suspicion scores, their thresholds, and how often they detect.

May import: runs, statistics.
First met in: notebook 06.
"""
