"""Forecasts of EHC plans: a cohort model, simple benchmarks, and a back-test that says which of them to use."""
