"""`cornerstone worklist`: where school census and EHC plans return disagree on who has a plan, for whoever follows it up.

Counted by school and reason without anyone's name; or child by child, with names out of the vault, for a named person, a
stated reason and a journal.
"""
