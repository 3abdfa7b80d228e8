"""What undoes the policy: one file each, newer than the paper, by rows or by a training of its own.

May import: errors, lookup, archive, data, models, training.
First met in: notebook 01.
"""
