"""The documentation of the warehouse: one page of dbt's docs that needs no server and no network, with the bus matrix."""
