"""Sources: the field's published datasets, one file each, and files of one's own.

May import: archive, errors, paths, lookup, data.
First met in: the command line.
"""
