"""Organism: the small model whose every fact is known, how it is trained and what it must do.

May import: errors, lookup, archive, models, training, judging.
First met in: the command line.
"""
