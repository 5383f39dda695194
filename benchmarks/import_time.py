"""How long `import pajamo` and `pajamo --help` take in a fresh process, and whether they bring torch.

    python benchmarks/import_time.py [--repeats 20]

The target is half a second for the import, without torch. Files are in the page cache (one run is thrown
away), as they are for who works with pajamo.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import pandas as pd

from common import machine, print_table

HEAVY = ("torch", "numpy", "pandas", "anndata", "sklearn", "matplotlib")
LOADED = f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
IMPORT = "import sys; import pajamo; "
HELP = (
    "import sys; sys.argv = ['pajamo', '--help']\n"
    "from pajamo.cli import main\n"
    "try:\n    main()\nexcept SystemExit:\n    pass\n"
)
CODE = {
    "python, nothing imported": "import sys; ",
    "import pajamo": IMPORT,
    "pajamo --help": HELP,
    "list of the models (brings torch)": "import sys; from pajamo.api import models; models(); ",
}


def seconds(code: str) -> float:
    """Wall time of one fresh interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def loaded(code: str) -> str:
    """Which of the heavy libraries the process imported."""
    done = subprocess.run(
        [sys.executable, "-c", code + LOADED], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.splitlines()[-1]


def row(name: str, code: str, repeats: int) -> dict[str, object]:
    """Median and range of the wall time of one piece of code."""
    libraries = loaded(code)
    times = [seconds(code) for _ in range(repeats)]
    return {
        "what": name,
        "median s": statistics.median(times),
        "fastest s": min(times),
        "slowest s": max(times),
        "brings": libraries,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20, help="fresh processes of each kind")
    options = parser.parse_args()
    print(machine())
    table = pd.DataFrame([row(name, code, options.repeats) for name, code in CODE.items()])
    bare = float(table["median s"].iloc[0])
    table.insert(2, "without the interpreter s", table["median s"] - bare)
    numbers = [name for name in table if name.endswith(" s")]
    print_table(f"Fresh processes, {options.repeats} each", table, dict.fromkeys(numbers, ".3f"))


if __name__ == "__main__":
    main()
