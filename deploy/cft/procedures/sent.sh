#!/bin/sh
# EXEC of sendings: the file has reached the partner's monitor.
set -eu
sudo -n -u navette navette --config /etc/navette/navette.toml cft sent --idtu '&IDTU' --ida '&IDA'
CFTUTIL END PART='&PART',IDTU='&IDTU',DIRECT=SEND
