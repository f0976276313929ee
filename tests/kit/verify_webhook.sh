#!/bin/sh
# Runs verify_webhook.py in an environment of its own under target/, which it makes the first time (python3-venv, network).
# usage: verify_webhook.sh PUBLIC_KEY SHARED_SECRET < message
set -eu
here=$(cd "$(dirname "$0")" && pwd)
env="$here/../../target/venv-webhook"
if [ ! -e "$env/ready" ]; then
    { python3 -m venv "$env" &&
        "$env/bin/pip" install --quiet --disable-pip-version-check -r "$here/webhook-requirements.txt" &&
        touch "$env/ready"; } >&2 || exit 3
fi
exec "$env/bin/python" "$here/verify_webhook.py" "$@"
