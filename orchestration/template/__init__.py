"""Blank workbooks for the returns that people fill in by hand, made from what the spec of the return says and nothing else."""
