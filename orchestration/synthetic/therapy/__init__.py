"""Therapy waiting lists of the invented borough: two providers' monthly lists of the same children, and what a count should find."""

from orchestration.synthetic.therapy.borough import TherapyReport, WaitingLists, queue_the_children, write_lists

__all__ = ["TherapyReport", "WaitingLists", "queue_the_children", "write_lists"]
