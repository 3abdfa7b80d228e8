"""What is in a fine-tuning file: detectors, one file each, and the rule that combines them.

May import: errors, lookup, archive, data, models, training, attacks, mitigations, judging.
First met in: notebook 12.
"""
