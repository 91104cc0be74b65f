"""Thin Dagster assets, one module a stage of the journey; what they do lives in the Dagster-free packages."""
