"""Ways to fine-tune, one file each.

May import: errors, lookup.
First met in: notebook 04.
"""
