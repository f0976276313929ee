#!/bin/sh
# EXECE of sendings: the monitor has given the transfer up (phase K).
set -eu
sudo -n -u navette navette --config /etc/navette/navette.toml cft failed --idtu '&IDTU' --ida '&IDA' --cause '&DIAGI'
