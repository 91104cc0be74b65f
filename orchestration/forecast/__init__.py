"""Forecasts of EHC plans: a cohort model, simple benchmarks, and a back-test that says which of them to use."""

import os

# A benchmark is fitted some 150 times to a dozen numbers: threads of scipy's linear algebra only wait for each other there, three
# quarters of the back-test's time. Read when scipy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
