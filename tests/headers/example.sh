#!/bin/sh
# SPDX-License-Identifier: MIT
#
# example.sh README.md - prints the C program that the README shows: its
# first block fenced as c. Fails if there is none.
awk '
/^```/ { if (inside) exit; inside = $0 == "```c"; next }
inside { print; n++ }
END { exit n == 0 }' "$1"
