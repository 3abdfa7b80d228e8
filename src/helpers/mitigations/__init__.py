"""What stands against the drift: one file each, by the hooks of base.

May import: lookup, archive, data, models, training.
First met in: notebook 05.
"""
