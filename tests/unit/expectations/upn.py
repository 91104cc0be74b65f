"""UPNs for the rules about them, to be held against a maintained library."""

from hypothesis import strategies as st

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
# Authorities the library knows. It refuses numbers of others, the rules do not: authorities and their codes change.
AUTHORITIES = ["201", "372", "813", "938"]
SHAPED = st.builds(
    lambda first, authority, body, last: first + authority + body + last,
    st.sampled_from(LETTERS),
    st.sampled_from(AUTHORITIES),
    st.text("0123456789", min_size=8, max_size=8),
    st.sampled_from("0123456789" + LETTERS),
)
"""Texts that have the shape of a UPN; few have the check letter of one."""
