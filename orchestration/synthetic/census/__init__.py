"""School censuses of the invented borough: the children of the SEN2 returns and their schoolmates, three terms a year."""

from orchestration.synthetic.census.borough import (
    CensusReport,
    Schooling,
    count_pupils,
    school_the_children,
    write_censuses,
)
from orchestration.synthetic.census.schools import extended_register

__all__ = ["CensusReport", "Schooling", "count_pupils", "extended_register", "school_the_children", "write_censuses"]
