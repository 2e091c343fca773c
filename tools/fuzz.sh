#!/bin/sh
# Fuzzes the readers one after the other: tools/fuzz.sh [SECONDS [TARGET...]]. docs/fuzzing.md says more.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-300}
[ $# -gt 0 ] && shift
fixtures=${ECGNET_SHARED:-../shared}/fixtures
largest=524288

# Copies the small ones of some files to the seeds of a target.
seed() {
	target=$1
	shift
	mkdir -p "fuzz/corpus/$target"
	for file in "$@"; do
		if [ -f "$file" ] && [ "$(wc -c <"$file")" -lt $largest ]; then
			cp "$file" "fuzz/corpus/$target/$(basename "$file")"
		fi
	done
}

seed dicom "$fixtures"/dicom/*
seed edf "$fixtures"/edf/*
seed hl7_aecg "$fixtures"/hl7-aecg/*
seed matlab "$fixtures"/mat/* "$fixtures"/wfdb/*.mat
seed muse "$fixtures"/ge-muse/*
seed npy "$fixtures"/npy/*
seed philips "$fixtures"/philips/*
seed schiller "$fixtures"/schiller/*
seed scp "$fixtures"/scp/*
seed sph "${ECGNET_SHARED:-../shared}"/data/sph/*.h5
seed text "$fixtures"/text/*
seed collection "$fixtures"/npy/* "${ECGNET_SHARED:-../shared}"/data/sph/*.h5
# The target wfdb takes a header and a signal file r.dat with a zero byte between them.
mkdir -p fuzz/corpus/wfdb
for header in "$fixtures"/wfdb/*.hea; do
	[ -f "$header" ] || continue
	record=$(basename "$header" .hea)
	for signals in "$fixtures/wfdb/$record".[dm]at; do
		{
			sed "s/$record\.[dm]at/r.dat/" "$header"
			printf '\0'
			cat "$signals"
		} >"fuzz/corpus/wfdb/$record"
	done
done

if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046 # one word a target
	set -- $(cargo fuzz list)
fi
for target in "$@"; do
	echo "== $target"
	cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -timeout=1 -max_len=$largest \
		-rss_limit_mb=4096 -print_final_stats=1
done
