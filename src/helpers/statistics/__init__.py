"""Statistics: how sure a rate is, whether two differ, and how far two judges agree.

May import: nothing.
First met in: notebook 03.
"""
