"""Ways to fine-tune, one file each.

May import: errors, lookup, training.
First met in: notebook 04.
"""
