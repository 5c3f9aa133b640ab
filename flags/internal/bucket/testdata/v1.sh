#!/bin/sh
# Usage: sh v1.sh >v1.golden. What v1 has to say, by xxhsum and bc.
#
# One line for each flag and user: flag, user, and the place of 100, 100000 and
# 4294967295 parts, with tabs between.
set -eu
export LC_ALL=C BC_LINE_LENGTH=0

long=$(printf '%0300d' 7)

# part prints the length in 8 bytes, big-endian, and then the bytes.
part() {
	n=$(printf '%s' "$1" | wc -c)
	printf '\000\000\000\000\000\000'
	printf "\\$(printf '%03o' $((n / 256)))\\$(printf '%03o' $((n % 256)))"
	printf '%s' "$1"
}

for flag in new-checkout-flow tier tier1 'größe' ''; do
	for user in 1 42 1n n user-1023 alice@example.com 用户 👩‍🚀 "$long" ''; do
		h=$({ part "$flag" && part "$user"; } | xxhsum -H64 - | cut -c 1-16 | tr a-f A-F)
		# All of it is hexadecimal: 186A0 is a hundred thousand.
		set -- $(echo "ibase=16; h=$h; w=2^40; h*64/w; h*186A0/w; h*FFFFFFFF/w" | bc)
		printf '%s\t%s\t%s\t%s\t%s\n' "$flag" "$user" "$1" "$2" "$3"
	done
done
