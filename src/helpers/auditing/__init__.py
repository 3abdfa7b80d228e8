"""What has become of a tuned model: measures against the model it was tuned from, and a risk score.

May import: errors, paths, lookup, statistics, archive, data, models, hosted, judging, experiments.
First met in: notebook 06.
"""
