"""`cornerstone doctor`: what is wrong with a store, how bad it is and what to do; it changes nothing."""
