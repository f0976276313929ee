#!/bin/sh
# Runs verify_webhook.py in an environment of its own.
# usage: verify_webhook.sh PUBLIC_KEY SHARED_SECRET < message
set -eu
here=$(cd "$(dirname "$0")" && pwd)
env=$(sh "$here/python/environment.sh" webhook)
exec "$env/bin/python" "$here/verify_webhook.py" "$@"
