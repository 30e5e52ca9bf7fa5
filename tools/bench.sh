#!/usr/bin/env bash
# The bench of the whole project, beside PyTorch where a Python has it ($PYTHON names another);
# --help lists the options.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/tools/find_python.sh"
python=$(find_python "${PYTHON:-}")
if [[ -z $python ]]; then
  echo "bench.sh: needs ${PYTHON:-python3}, which is not on this machine" >&2
  exit 2
fi
exec "$python" "$root/bench/run.py" "$@"
