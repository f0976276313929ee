#!/bin/sh
# EXEC of receptions. Transfer CFT writes the transfer's values in place of the words that begin with &, then runs this.
# PARM is what the partner wrote: it stands where no shell reads it, between two lines of its own. Without one that names a file,
# the transfer's id does, as a zip: the flow's pattern must take it.
set -eu
name=$(cat <<'END_OF_PARM'
&PARM
END_OF_PARM
)
case "$name" in
    '' | .* | */*) name='&IDTU.zip' ;;
esac
navette --config /etc/navette/navette.toml cft received \
    --file '&FNAME' --name="$name" --part '&PART' --idf '&IDF' --idtu '&IDTU'
# Says that the procedure has done its work: the transfer ends in phase X.
CFTUTIL END PART='&PART',IDTU='&IDTU',DIRECT=RECV
