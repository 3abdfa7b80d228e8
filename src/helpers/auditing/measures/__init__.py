"""What an audit measures, one file each: each model is looked at alone, then the two are compared.

May import: errors, auditing, data, models, judging.
First met in: the command line.
"""
