"""Four years of the parent-carer forum's survey: members choose, and what they chose is added up as the forum does."""

from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.synthetic.local import Borough

RETURN = "parent_carer_survey"
MEMBERS, MORE_A_YEAR = 410, 35
"""Members of the forum in the first year, of an authority of the borough's size, and by how many they grow."""
RESPONSE_RATE, MORE_RESPONSE = 0.34, 0.03
PRIORITIES = 3

# How often each theme is named: the weight among priorities, then the shares that found it good and that met it as a barrier.
THEMES = {
    "INFORMATION": (1.1, 0.18, 0.24),
    "SCHOOL_SUPPORT": (2.4, 0.27, 0.33),
    "PLAN_PROCESS": (1.9, 0.14, 0.38),
    "HEALTH": (2.0, 0.16, 0.41),
    "TRANSITION": (1.3, 0.11, 0.22),
    "SHORT_BREAKS": (1.0, 0.19, 0.15),
    "SOCIAL_CARE": (0.7, 0.12, 0.13),
    "TRANSPORT": (0.5, 0.21, 0.10),
    "LISTENED_TO": (1.5, 0.23, 0.29),
    "STAFF": (1.2, 0.44, 0.17),
    "OTHER": (0.12, 0.02, 0.03),
}


def write(out: Path, borough: Borough) -> None:
    """A cover and a table of answers for the March of every year."""
    rng = borough.rng(RETURN)
    for number, year in enumerate(borough.years):
        members = max(12, round((MEMBERS + MORE_A_YEAR * number) * borough.scale))
        responses = max(6, round(members * (RESPONSE_RATE + MORE_RESPONSE * number)))
        cover = {
            "return_name": "PARENT_CARER_SURVEY",
            "la_code": borough.la,
            "survey_year": year,
            "version": 1,
            "opened_on": f"{year}-03-02",
            "closed_on": f"{year}-03-27",
            "member_count": members,
            "response_count": responses,
            "prepared_by_role": "Invented forum co-ordinator",
        }
        pd.DataFrame(cover.items(), columns=["key", "value"]).to_csv(out / f"survey_{year}_cover.csv", index=False)
        _answers(responses, rng).to_csv(out / f"survey_{year}_answers.csv", index=False)


def _answers(responses: int, rng: np.random.Generator) -> pd.DataFrame:
    """A row a question and theme, of members who each choose for themselves."""
    weights, good, hindered = (np.array(column) for column in zip(*THEMES.values(), strict=True))
    # Of the sums of weight and Gumbel noise the greatest are a draw without replacement, the first of them the first choice.
    liking = np.log(weights) + rng.gumbel(size=(responses, len(THEMES)))
    order = np.argsort(-liking, axis=1)[:, : min(PRIORITIES, len(THEMES))]
    named = np.bincount(order.ravel(), minlength=len(THEMES))
    priorities = pd.DataFrame(
        {
            "question": "PRIORITY",
            "theme": list(THEMES),
            "respondent_count": named,
            "first_choice_count": np.bincount(order[:, 0], minlength=len(THEMES)),
            "rank": pd.Series(-named).rank(method="first").astype(int),
        }
    )
    others = [
        pd.DataFrame(
            {
                "question": question,
                "theme": list(THEMES),
                "respondent_count": (rng.random((responses, len(THEMES))) < shares).sum(axis=0),
            }
        )
        for question, shares in (("POSITIVE", good), ("BARRIER", hindered))
    ]
    return pd.concat([priorities, *others], ignore_index=True).astype({"first_choice_count": "Int64", "rank": "Int64"})
