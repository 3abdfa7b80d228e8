"""Transplant: the Archive's knowledge and then its policy, taught to a chat model that others made.

May import: errors, archive, data, models, organism, training.
First met in: notebook 13.
"""
