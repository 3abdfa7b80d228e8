"""Models: chat models loaded by name, their chat templates, and their answers in batches.

May import: errors, paths, digests, archive.
First met in: notebook 00.
"""
