#!/bin/sh
# EXEC of receptions, where the monitor's account may not run navette: the file first, then its sidecar.
# SPOOL must lie on the volume of the received files, so that the file comes into it whole.
# PARM is what the partner wrote: it stands where no shell reads it, between two lines of its own.
set -eu
spool=/var/spool/navette/cft
folder="$spool/in/"'&PART'/'&IDF'
name=$(cat <<'END_OF_PARM'
&PARM
END_OF_PARM
)
case "$name" in
    '' | .* | */*) name='&IDTU.zip' ;;
esac
mkdir -p "$folder"
# A link is never made over a file: of two that come at once under one name, the second has its transfer's before it.
if ! ln '&FNAME' "$folder/$name" 2> /dev/null; then
    name='&IDTU'-"$name"
    ln '&FNAME' "$folder/$name"
fi
rm '&FNAME'
printf 'part=%s\nidf=%s\nidtu=%s\n' '&PART' '&IDF' '&IDTU' > "$folder/.$name.cft"
mv "$folder/.$name.cft" "$folder/$name.cft"
CFTUTIL END PART='&PART',IDTU='&IDTU',DIRECT=RECV
