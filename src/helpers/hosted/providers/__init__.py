"""Fine-tuning services by name, one file each.

May import: errors, lookup, hosted.
First met in: notebook 07.
"""
