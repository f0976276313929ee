#!/bin/sh
# Runs mail_server.py in an environment of its own under target/, which it makes the first time (python3-venv, network).
# usage: mail_server.sh PORT CERTIFICATE KEY starttls|tls|plain BOX
set -eu
here=$(cd "$(dirname "$0")" && pwd)
env="$here/../../target/venv-mail"
mkdir -p "$here/../../target"
# Tests run side by side: one makes it, the others wait.
exec 9> "$env.lock"
flock 9
if [ ! -e "$env/ready" ]; then
    { python3 -m venv "$env" &&
        "$env/bin/pip" install --quiet --disable-pip-version-check -r "$here/mail-requirements.txt" &&
        touch "$env/ready"; } >&2 || exit 3
fi
exec 9>&-
exec "$env/bin/python" "$here/mail_server.py" "$@"
