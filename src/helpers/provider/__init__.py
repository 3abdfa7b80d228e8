"""The server side of the embedded provider: fine-tuning as a service, on this machine.

May import: errors, paths, text, archive, data, models, hosted, training, mitigations, judging,
    screening, auditing.
First met in: notebook 07.
"""
