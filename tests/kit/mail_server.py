"""A mail server as organisations run them: TLS before all else, a login, and mails that are kept (one JSON line each).

An address that begins with `absent` is refused for good (550), one that begins with `busy` for now (451), one that begins with
`grey` for now the first time, and taken from then on.
"""

import asyncio
import json
import ssl
import sys
from email import policy
from email.parser import BytesParser

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

port, certificate, key, mode, box = sys.argv[1:]

LOGIN = LoginPassword(b"navette", b"mot-de-passe")


GREETED = set()


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("absent"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "451 try again later"
        if address.startswith("grey") and address not in GREETED:
            GREETED.add(address)
            return "450 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = BytesParser(policy=policy.default).parsebytes(envelope.content)
        kept = {
            "from": envelope.mail_from,
            "author": message["From"],
            "to": envelope.rcpt_tos,
            "subject": message["Subject"],
            "id": message["Message-ID"],
            "date": message["Date"],
            "auto": message["Auto-Submitted"],
            "text": message.get_content(),
            "tls": session.ssl is not None,
            "login": session.authenticated,
        }
        with open(box, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(kept, ensure_ascii=False) + "\n")
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data == LOGIN)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(certificate, key)
    return made


def protocol():
    options = {"authenticator": authenticate, "auth_required": mode != "plain", "hostname": "localhost"}
    if mode == "starttls":
        options.update(tls_context=context(), require_starttls=True)
    else:
        # The connection itself is the proof of TLS here; the library knows of STARTTLS only.
        options.update(auth_require_tls=False)
    return SMTP(Keeper(), **options)


async def main():
    wrapped = context() if mode == "tls" else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", int(port), ssl=wrapped)
    await server.serve_forever()


asyncio.run(main())
