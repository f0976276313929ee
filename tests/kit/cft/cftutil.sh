#!/bin/sh
# A stand-in for CFTUTIL after the product's public documentation: takes SEND PART=…,IDF=…,FNAME=…,PARM=…,IDA=…, gives the transfer
# an IDTU, "sends" the file by copying it to network/PART/IDF/PARM, and says what the product says.
# Its home is CFTDIRRUNTIME; a file `refuse` there makes it refuse, a file `mute` makes it tell no IDTU, `hang` makes it hang.
set -eu
home=$CFTDIRRUNTIME
[ ! -e "$home/hang" ] || exec sleep 600
[ "$#" -eq 2 ] && [ "$1" = SEND ] || { echo "CFTU01E $1 _ Command not found"; exit 2; }
value() {
    printf '%s\n' "$2" | tr ',' '\n' | sed -n "s/^$1=//p"
}
part=$(value PART "$2") idf=$(value IDF "$2") fname=$(value FNAME "$2") parm=$(value PARM "$2") ida=$(value IDA "$2")
if [ -e "$home/refuse" ] || [ -z "$part" ] || [ -z "$idf" ] || [ ! -f "$fname" ]; then
    echo "CFTU15E SEND _ Refused (part=$part,idf=$idf,fname=$fname)"
    exit 8
fi
number=$(wc -l < "$home/catalog")
idtu=$(printf 'A%07d' $((number + 1)))
mkdir -p "$home/network/$part/$idf"
cp "$fname" "$home/network/$part/$idf/.$parm"
mv "$home/network/$part/$idf/.$parm" "$home/network/$part/$idf/$parm"
echo "$idtu,$part,$idf,$parm,$ida,$fname" >> "$home/catalog"
told=" IDTU=$idtu"
[ ! -e "$home/mute" ] || told=
echo "CFTU00I SEND _ Correct (IDT=K2204230$told )"
