"""Some years of my return, invented: requests made at random, and which of them were met."""

from pathlib import Path

import pandas as pd

from orchestration.synthetic.local import Borough

RETURN = "my_return"
# Requests of a year in an authority of the borough's size, and the chance that one is met.
KINDS = {"ADVICE": (400, 0.9), "VISIT": (160, 0.7), "LOAN": (90, 0.5)}


def write(out: Path, borough: Borough) -> None:
    """A cover and a table of lines for every year of the borough."""
    rng = borough.rng(RETURN)
    for year in borough.years:
        cover = {
            "return_name": RETURN,
            "la_code": borough.la,
            "return_year": year,
            "version": 1,
            "prepared_by_role": "Invented officer",
        }
        lines = pd.DataFrame({"request_kind": list(KINDS)})
        lines["made_count"] = rng.poisson([made * borough.scale for made, _ in KINDS.values()])
        lines["met_count"] = rng.binomial(lines["made_count"], [chance for _, chance in KINDS.values()])
        pd.DataFrame(cover.items(), columns=["key", "value"]).to_csv(out / f"{RETURN}_{year}_cover.csv", index=False)
        lines.to_csv(out / f"{RETURN}_{year}_lines.csv", index=False)
