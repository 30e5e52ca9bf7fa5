#!/usr/bin/env bash
# Everything that only a GPU can tell: its tests, compute-sanitizer, whole trainings, steps beside
# PyTorch. bench/gpu_check.py does it; --help lists the options. Needs no network.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/tools/find_python.sh"

# The Python that runs the check is also the one whose PyTorch is measured, if it has one.
wanted=
for ((i = 1; i <= $#; ++i)); do
  case ${!i} in
    --python=*) wanted=${!i#*=} ;;
    --python) next=$((i + 1)) && wanted=${!next-} ;;
  esac
done
python=$(find_python "$wanted")
if [[ -z $python ]]; then
  echo "gpu_check.sh: needs ${wanted:-python3}, which is not on this machine" >&2
  exit 2
fi
exec "$python" "$root/bench/gpu_check.py" "$@"
