#!/usr/bin/env bash
# Makes the environments of the peers that are on PyPI: GEARS, cell-eval and cell-eval2.
#
#     benchmarks/peers/setup.sh FOLDER [PYTHON]
#
# Each peer gets FOLDER/<name> of its own, since their pins exclude one another's and pajamo's. PYTHON is 3.11 or
# 3.12 (default python3.11). Minutes, and 3 GB with a torch for CPUs. PerturBench: see README.md beside this file.
set -euo pipefail

if [[ $# -lt 1 || $1 == -h || $1 == --help ]]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0"
  exit 0
fi
folder=$1
python=${2:-python3.11}
mkdir -p "$folder"

make_environment() {
  local name=$1
  shift
  if [[ -x $folder/$name/bin/python ]]; then
    echo "$name is there"
    return
  fi
  "$python" -m venv "$folder/$name"
  "$folder/$name/bin/pip" install --quiet "$@" || { rm -rf "${folder:?}/$name"; return 1; }
  echo "$name made"
}

# GEARS 0.1.2 predates numpy 2, and reads AnnData as it was before 0.11.
make_environment gears torch==2.13.0 cell-gears==0.1.2 torch_geometric==2.8.1 \
  numpy==1.26.4 scipy==1.14.1 pandas==2.2.2 scanpy==1.10.2 'anndata<0.11'
make_environment cell-eval cell-eval==0.8.2
# pdex gives the rank-sum test; without it cell-eval2 takes another, with other p-values.
make_environment cell-eval2 cell-eval2==0.20.0 pdex==0.3.0

printf '\n%-12s %s\n' peer 'what was installed'
for name in gears cell-eval cell-eval2; do
  printf '%-12s %s\n' "$name" "$("$folder/$name/bin/pip" list --format=freeze 2>/dev/null |
    grep -iE '^(cell-gears|cell-eval|cell-eval2|pdex|torch|torch-geometric|torch_geometric|numpy|anndata)==' | tr '\n' ' ')"
done
