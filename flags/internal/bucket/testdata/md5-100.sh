#!/bin/sh
# Usage: sh md5-100.sh >md5-100.golden. What md5-100 has to say, by md5sum and bc: an
# implementation that has no line in common with ours.
#
# One line for each flag and user: flag, user, x mod 100 and p, with tabs between.
set -eu
export LC_ALL=C BC_LINE_LENGTH=0

long=$(printf '%0300d' 7)

for flag in new-checkout-flow tier tier1 a search.v2 dark_mode 'größe' 'flag with spaces' 🚦 ''; do
	for user in 1 2 3 42 1n n user-1 user-2 user-1023 alice alice@example.com ALICE 'Ñandú' 用户 👩‍🚀 \
		0191e7c2-5a3f-7d11-9c55-6a1f0e2b4c3d 'a user' '"quoted"' "$long" ''; do
		x=$(printf '%s%s' "$flag" "$user" | md5sum | cut -c 1-32 | tr a-f A-F)
		# All of it is hexadecimal: 64 is a hundred, 3E8 a thousand.
		set -- $(echo "ibase=16; x=$x; x % 64; (x % 64) * 3E8 + (x / 64) % 3E8" | bc)
		printf '%s\t%s\t%s\t%s\n' "$flag" "$user" "$1" "$2"
	done
done
