"""Models: chat models loaded by name, their chat templates, and their answers in batches.

May import: errors, paths, archive.
First met in: notebook 00.
"""
