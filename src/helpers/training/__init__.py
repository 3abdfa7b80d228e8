"""Fine-tuning: the loop of the paper, the methods, several processes, pictures.

May import: errors, lookup, archive, models.
First met in: notebook 01.
"""
