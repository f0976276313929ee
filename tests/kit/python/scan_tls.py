"""Scans the TLS of localhost:PORT and prints the result as JSON.

The command line of sslyze would do, but for its patience: five seconds, which is just what the gateway has.
usage: scan_tls.py PORT
"""

import sys

from sslyze import (
    ScanCommand,
    Scanner,
    ServerNetworkConfiguration,
    ServerNetworkLocation,
    ServerScanRequest,
    ServerScanResultAsJson,
)

# All but the certificate, which is a test's.
SCANS = set(ScanCommand) - {ScanCommand.CERTIFICATE_INFO, ScanCommand.ROBOT, ScanCommand.HTTP_HEADERS}

scanner = Scanner()
scanner.queue_scans(
    [
        ServerScanRequest(
            server_location=ServerNetworkLocation("localhost", int(sys.argv[1])),
            network_configuration=ServerNetworkConfiguration("localhost", network_timeout=3),
            scan_commands=SCANS,
        )
    ]
)
for result in scanner.get_results():
    print(ServerScanResultAsJson.model_validate(result).model_dump_json())
