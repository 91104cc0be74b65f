"""Safety valve returns of the invented borough: twenty quarterly workbooks that keep the published balances and the same EHC plans."""

from orchestration.synthetic.safety_valve.borough import Series, ValveReport, report_quarters, write_quarters

__all__ = ["Series", "ValveReport", "report_quarters", "write_quarters"]
