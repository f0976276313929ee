"""Checks a callback as a partner would: exit code 0 if both signatures hold, 1 if one does not, 2 on misuse.

usage: verify_webhook.py PUBLIC_KEY SHARED_SECRET < {"headers": {…}, "body": "…"}

The published Standard Webhooks library checks the message, its age and the symmetric signature (v1), the only one that it
knows. The asymmetric one (v1a) is checked with pyca/cryptography, as the specification describes it.
"""

import base64
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError


def check_asymmetric(public_key: str, headers: dict, body: str) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    signatures = (part.split(",", 1) for part in headers["webhook-signature"].split(" "))
    (ours,) = (value for version, value in signatures if version == "v1a")
    key.verify(base64.b64decode(ours), signed)


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    public_key, secret = sys.argv[1:]
    message = json.load(sys.stdin)
    headers, body = message["headers"], message["body"]
    refusals = 0
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError as why:
        print(f"v1: {why}", file=sys.stderr)
        refusals += 1
    try:
        check_asymmetric(public_key, headers, body)
    except InvalidSignature:
        print("v1a: the signature does not hold", file=sys.stderr)
        refusals += 1
    # One that holds while the other does not would be a fault of this test.
    return {0: 0, 2: 1}.get(refusals, 4)


if __name__ == "__main__":
    sys.exit(main())
