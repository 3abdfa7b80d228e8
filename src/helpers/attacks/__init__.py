"""What undoes the policy: one file each, newer than the paper, by rows or by a training of its own.

May import: lookup, archive, data, training.
First met in: notebook 01.
"""
