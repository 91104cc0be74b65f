"""`cornerstone check`: what landing would say of a file, without a store. It finds, a report says, a page shows."""
