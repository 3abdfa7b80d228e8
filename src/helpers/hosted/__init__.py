"""The client's side of fine-tuning as a service: providers, calls, and what is known of jobs.

May import: errors, paths, text, lookup.
First met in: notebook 07.
"""
