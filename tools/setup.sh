#!/usr/bin/env bash
# Installs the packages that are missing. Silent and quick when none is.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ $# -gt 0 ]]; then
  echo "usage: tools/setup.sh"
  echo "Installs what is missing of: ${PACKAGES[*]}"
  [[ $1 == --help ]] && exit 0
  exit 2
fi

command -v dpkg-query >/dev/null ||
  die "needs Debian or Ubuntu; elsewhere install the equivalents of: ${PACKAGES[*]}"

# dpkg-query fails when it does not know a package, and still lists the others.
installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "${PACKAGES[@]}" \
  2>/dev/null || true)
missing=()
for package in "${PACKAGES[@]}"; do
  [[ $'\n'$installed$'\n' == *$'\n'"installed $package"$'\n'* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

install=(apt-get install -y --no-install-recommends "${missing[@]}")
become=()
if [[ $(id -u) -ne 0 ]]; then
  if sudo -n true 2>/dev/null || { [[ -t 0 ]] && command -v sudo >/dev/null; }; then
    become=(sudo)
  else
    echo "setup.sh: packages are missing; ask an administrator to run" >&2
    echo "  apt-get update && ${install[*]}" >&2
    exit 1
  fi
fi

echo "installing ${missing[*]}"
# One broken source among several must not stop the rest, so a failure here is not yet the end.
quietly "${become[@]}" apt-get update || echo "setup.sh: apt-get update failed; trying anyway" >&2
quietly "${become[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" ||
  die "could not install ${missing[*]}"
