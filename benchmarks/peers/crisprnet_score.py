"""CRISPR-Net's shipped weights (MIT) on the GUIDE-seq tables; run it with the interpreter of its own environment.

    python3.11 -m venv FOLDER/crisprnet && FOLDER/crisprnet/bin/pip install tensorflow-cpu==2.15.1 pandas scikit-learn
    git clone https://github.com/JasonLinjc/CRISPR-Net FOLDER/source
    FOLDER/crisprnet/bin/python benchmarks/peers/crisprnet_score.py --weights FOLDER/source/code/scoring_models \
        [--data DATA] [--scores FOLDER]

The weights are `CRISPR_Net_CIRCLE_elevation_SITE`, which the authors trained on CIRCLE-seq, CD33, HMG, Tsai's
GUIDE-seq and SITE-seq; nothing is trained here. DATA is the folder with `kinetics/guideseq_*.csv.gz`, the
tables they tested on.

The encoding is written anew: 24 aligned positions, shorter pairs padded at the 5' end, with seven channels
each (Lin 2020). Five say which of A, T, G, C and gap occurs in the guide or the target, two say where they
differ which of them ranks higher in the order A, G, C, T, gap. An N of the guide counts as the target's base.

It prints a line of JSON for each table: area under the receiver operating characteristic and average
precision, as the table stands and without pairs whose 20 protospacer bases match the guide (most of these
on-target sites are labelled negative; in the Kleinstiver table five of the ten have a PAM other than NGG, one
of them edited), and the cost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cost import DEFAULT_DATA, Cost, data_file, one_thread, peak_megabytes, peer

if TYPE_CHECKING:  # the libraries are imported after their threads are limited
    import numpy as np
    import pandas as pd

INSTALL = (
    "python3.11 -m venv FOLDER/crisprnet && "
    "FOLDER/crisprnet/bin/pip install tensorflow-cpu==2.15.1 pandas scikit-learn"
)
TABLES = ("kleinstiver_5gRNA", "listgarten_22gRNA", "listgarten_indel")
NAME = "CRISPR_Net_CIRCLE_elevation_SITE"
LENGTH, PAM = 24, 3
CHANNELS, RANKS = b"ATGC_", b"_TCGA"
"""Order of the five channels, and letters by ascending rank."""
PADDING = b"-"


def letters(sequences: pd.Series) -> np.ndarray:
    """Codes of the letters, padded on the left to 24 positions (pair x position)."""
    import numpy as np

    padded = "".join(sequences.str.rjust(LENGTH, PADDING.decode())).encode()
    return np.frombuffer(padded, dtype=np.uint8).reshape(len(sequences), LENGTH)


def encoded(guides: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The network's input (pair x 1 x position x 7); `guides` have no N any more."""
    import numpy as np

    occurs, rank = np.zeros((256, 5), dtype=bool), np.zeros(256, dtype=np.int8)
    occurs[list(CHANNELS), range(5)] = True
    rank[list(RANKS)] = range(1, 6)
    padded = (guides == PADDING[0]) | (targets == PADDING[0])
    guide_higher = (rank[guides] > rank[targets]) & ~padded
    target_higher = (rank[guides] < rank[targets]) & ~padded
    direction = np.stack([guide_higher, target_higher], axis=-1)
    channels = np.concatenate([occurs[guides] | occurs[targets], direction], axis=-1)
    return channels[:, None].astype(np.float32)


def shipped_network(tensorflow: ModuleType, folder: Path) -> object:
    """The authors' network from its structure and weights; Keras 2.2.4's class name is brought up to date."""
    structure_file, weights_file = folder / f"{NAME}_structure.json", folder / f"{NAME}_weights.h5"
    if not (structure_file.is_file() and weights_file.is_file()):
        print(f"{folder} lacks {structure_file.name} or {weights_file.name}: see --help", file=sys.stderr)
        raise SystemExit(2)
    structure = json.loads(structure_file.read_text())
    structure["class_name"] = "Functional"
    network = tensorflow.keras.models.model_from_json(json.dumps(structure))
    network.load_weights(str(weights_file))
    return network


def aligned_pairs(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Letters of guides and targets, aligned where the table holds alignments; N is the target's base."""
    import numpy as np

    suffix = "_aligned" if "guide_aligned" in table else ""
    guides, targets = letters(table[f"guide{suffix}"]), letters(table[f"target{suffix}"])
    return np.where(guides == ord("N"), targets, guides), targets


def measures(label: np.ndarray, score: np.ndarray, suffix: str = "") -> dict[str, float | int]:
    """Areas under both curves, with the numbers of pairs and of edited ones among them."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        f"pairs{suffix}": len(label),
        f"edited{suffix}": int(label.sum()),
        f"auroc{suffix}": round(float(roc_auc_score(label, score)), 4),
        f"auprc{suffix}": round(float(average_precision_score(label, score)), 4),
    }


def save_scores(path: Path, table: pd.DataFrame, score: np.ndarray) -> None:
    """Pairs, labels and scores in the order of the table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.drop(columns="reads").assign(score=score).to_csv(path, index=False)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="the authors' `code/scoring_models`")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="development data")
    parser.add_argument("--threads", type=int, default=1, help="threads of TensorFlow")
    parser.add_argument("--scores", type=Path, help="folder for a CSV of scores for each table")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    one_thread()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow, version = peer("tensorflow", "tensorflow-cpu", INSTALL)
    import pandas as pd

    tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(options.threads)
    network = shipped_network(tensorflow, options.weights)
    for name in TABLES:
        table = pd.read_csv(data_file(options.data, f"guideseq_{name}.csv.gz", "kinetics"))
        label, cost = table["label"].to_numpy(), Cost()
        guides, targets = aligned_pairs(table)
        score = network.predict(encoded(guides, targets), batch_size=4096, verbose=0).ravel()
        spent = cost.so_far()
        off_target = (guides != targets)[:, :-PAM].any(axis=1)
        line = {
            "peer": f"CRISPR-Net, tensorflow {version}", "table": name, **measures(label, score),
            **measures(label[off_target], score[off_target], "_off_target"), **spent,
            "peak_megabytes": peak_megabytes(),
        }  # fmt: skip
        print(json.dumps(line), flush=True)
        if options.scores:
            save_scores(options.scores / f"crisprnet_{name}.csv.gz", table, score)


if __name__ == "__main__":
    main()
