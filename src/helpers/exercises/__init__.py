"""What a student does: exercises with checks that help, hints and solutions, and predictions.

May import: errors, settings_file.
First met in: notebook 00b.
"""
