"""Draw the picture of the README from a complete run: `scripts/readme_picture.py runs/<id> docs/report.png`."""

from __future__ import annotations

import sys
from pathlib import Path

from pajamo.data.atomic import write_bytes
from pajamo.data.run_folder import verify_run
from pajamo.pipeline.record import read_content
from pajamo.reports.picture import summary_figure

if __name__ == "__main__":
    run, picture = map(Path, sys.argv[1:])
    verify_run(run)
    write_bytes(picture, summary_figure(read_content(run)))
