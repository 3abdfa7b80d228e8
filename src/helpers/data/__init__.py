"""Data: rows of conversations and prompts out of any file, and what of them may be shown.

May import: errors, paths, text, lookup, archive.
First met in: notebook 00.
"""
