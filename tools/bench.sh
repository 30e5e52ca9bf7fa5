#!/usr/bin/env bash
# The bench of the whole project, beside PyTorch where a Python has it; --help lists the options.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec "${PYTHON:-/usr/bin/python3}" "$root/bench/run.py" "$@"
