#!/bin/sh
# ACKEXEC of sendings: the partner's application has acknowledged the file (SEND TYPE=REPLY).
set -eu
sudo -n -u navette navette --config /etc/navette/navette.toml cft acknowledged --idtu '&IDTU' --ida '&IDA'
CFTUTIL END PART='&PART',IDTU='&IDTU',DIRECT=SEND
