"""What lies in outputs/, what it is for, and what of it nobody needs any more.

May import: errors, paths, models, provider, runs.
First met in: the command line.
"""
