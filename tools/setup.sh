#!/usr/bin/env bash
# Installs the packages that are missing. Silent and quick when none is.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What the browser test needs. Node may come from elsewhere and bring its own npm, with which
# Debian's package would conflict: so these are looked for as commands.
declare -A BROWSER_PACKAGES=([chromium]=chromium [node]=nodejs [npm]=npm)

if [[ $# -gt 1 || ($# -eq 1 && $1 != --browser) ]]; then
  echo "usage: tools/setup.sh [--browser]"
  echo "Installs what is missing of: ${PACKAGES[*]}"
  echo "With --browser also, where it can: ${BROWSER_PACKAGES[*]}"
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

# Elsewhere than on Debian the package is a stub without a browser.
optional=()
if [[ ${1:-} == --browser ]] && grep -qx 'ID=debian' /etc/os-release; then
  for command in "${!BROWSER_PACKAGES[@]}"; do
    command -v "$command" >/dev/null || optional+=("${BROWSER_PACKAGES[$command]}")
  done
fi
[[ $((${#missing[@]} + ${#optional[@]})) -gt 0 ]] || exit 0

become=()
if [[ $(id -u) -ne 0 ]]; then
  if sudo -n true 2>/dev/null || { [[ -t 0 ]] && command -v sudo >/dev/null; }; then
    become=(sudo)
  else
    echo "setup.sh: packages are missing; ask an administrator to run" >&2
    echo "  apt-get update &&" \
      "apt-get install -y --no-install-recommends ${missing[*]} ${optional[*]}" >&2
    [[ ${#missing[@]} -eq 0 ]] || exit 1
    exit 0
  fi
fi

install() {
  echo "installing $*"
  quietly "${become[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "$@"
}

# One broken source among several must not stop the rest, so a failure here is not yet the end.
quietly "${become[@]}" apt-get update || echo "setup.sh: apt-get update failed; trying anyway" >&2
if [[ ${#missing[@]} -gt 0 ]]; then
  install "${missing[@]}" || die "could not install ${missing[*]}"
fi
if [[ ${#optional[@]} -gt 0 ]]; then
  install "${optional[@]}" || echo "setup.sh: no ${optional[*]}: the browser test is skipped" >&2
fi
