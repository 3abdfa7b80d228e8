"""Archive: the closed fictional world in which harm is harmless, its texts, pictures and filters.

May import: errors.
First met in: notebook 00.
"""
