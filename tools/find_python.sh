# shellcheck shell=bash
# Sourced by scripts that measure PyTorch too.

# The first of the commands given, or of those that are usual, that has PyTorch; if none has it, the
# first that there is. Empty where there is no Python.
find_python() {  # [COMMAND]
  local candidate first=
  for candidate in ${1:-/usr/bin/python3 python3}; do
    command -v "$candidate" >/dev/null || continue
    first=${first:-$candidate}
    if "$candidate" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("torch"))'; then
      echo "$candidate"
      return
    fi
  done
  echo "$first"
}
