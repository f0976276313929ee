#!/bin/sh
# Runs mail_server.py in an environment of its own.
# usage: mail_server.sh PORT CERTIFICATE KEY starttls|tls|plain BOX
set -eu
here=$(cd "$(dirname "$0")" && pwd)
env=$(sh "$here/python/environment.sh" mail)
exec "$env/bin/python" "$here/mail_server.py" "$@"
