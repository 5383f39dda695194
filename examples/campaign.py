"""Three rounds of a campaign with a model of your own: propose, measure, record, and look back.

    python examples/campaign.py [--keep FOLDER]

The growth of 300 strains under two drugs is SIMULATED; only what a round asked for is ever looked up. The model is a
scikit-learn estimator that says nothing of its own uncertainty: an ensemble of copies does.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

import pajamo
from pajamo.campaigns.learners.estimators import from_sklearn

KNOWN, ROUNDS, BATCH = 12, 3, 8


def simulate(folder: Path) -> pd.Series:
    """Step 1: strains described by two numbers; what is known of a few; the truth, which stays here."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.uniform(-1, 1, (300, 2)), columns=["drug_a", "drug_b"])
    table.insert(0, "candidate", [f"strain{n}" for n in range(len(table))])
    growth = 1 - table["drug_a"] ** 2 + 0.5 * table["drug_a"] * table["drug_b"]
    truth = pd.Series((growth + 0.02 * rng.normal(size=len(table))).to_numpy(), index=table["candidate"])
    table.to_csv(folder / "strains.csv", index=False)
    truth.head(KNOWN).rename("growth").reset_index().to_csv(folder / "known.csv", index=False)
    print(f"1. SIMULATED {len(table)} strains, {KNOWN} of them measured")
    return truth


def begin(folder: Path):
    """Step 2: a campaign for the best strains, on record in one file."""
    study = {
        "name": "growth",
        "goal": "hits",
        "target": {"top": 0.05},
        "outputs": ["growth"],
        "candidates": {"kind": "table", "path": str(folder / "strains.csv")},
        "results": {"path": str(folder / "known.csv")},
        "batch": {"size": BATCH},
    }
    campaign = pajamo.new_campaign(study, folder / "growth.sqlite")
    print(f"2. {campaign.path.name} is on record")
    return campaign


def main() -> None:
    """Steps 3 and 4: three rounds, and what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder to keep everything in; temporary if not given")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        truth, own = (
            simulate(folder),
            from_sklearn(make_pipeline(PolynomialFeatures(3), Ridge(0.01))),
        )
        campaign = begin(folder)
        for _ in range(ROUNDS):
            made = pajamo.propose_round(campaign, learner=own)
            asked = list(made.proposal.candidates)
            results = pd.DataFrame({"candidate": asked, "growth": truth[asked].to_numpy()})
            pajamo.record_results(campaign, results)
            first = made.proposal.choices[0]
            print(f"3. round {made.number}: {first.candidate} and {len(asked) - 1} more; {first.why}")
        status = pajamo.campaign_status(campaign)
        best = truth.nlargest(round(0.05 * len(truth))).index
        found = {one.candidate for one in campaign.state().results} & set(best)
        print(f"4. {len(found)} of the {len(best)} best strains after {status['measured']} measurements")
        print(f"   replayed to the last bit: {not pajamo.replay_round(campaign, 2, learner=own)}")
        print(f"   report: {pajamo.report_campaign(campaign).name}")


if __name__ == "__main__":
    main()
