#!/bin/sh
# Makes the Python environment NAME under target/ from NAME.txt beside this file, unless it stands, and prints its folder
# (needs python3-venv and the network, the first time).
# usage: environment.sh NAME
set -eu
here=$(cd "$(dirname "$0")" && pwd)
env="$here/../../../target/venv-$1"
mkdir -p "$here/../../../target"
(
    flock 9
    if ! cmp -s "$here/$1.txt" "$env/made-of"; then
        {
            rm -rf "$env"
            python3 -m venv "$env"
            "$env/bin/pip" install --quiet --disable-pip-version-check -r "$here/$1.txt"
            cp "$here/$1.txt" "$env/made-of"
        } >&2
    fi
) 9> "$env.lock" || exit 3
echo "$env"
