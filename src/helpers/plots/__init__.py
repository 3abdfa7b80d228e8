"""Figures: a tidy frame in, the Axes out; none reads a file, and `style.save` alone writes one.

May import: paths, statistics.
First met in: notebook 01.
"""
