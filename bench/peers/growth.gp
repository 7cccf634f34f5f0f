# SPDX-License-Identifier: MIT
#
# growth.gp - ns for an operation as the number of timers grows. Debian's
# gnuplot:
#
#   rota_peers --from FILE[,FILE...] --growth >DATA
#   gnuplot -e "data='DATA'; out='growth.svg'" bench/peers/growth.gp

set terminal svg size 1200,760 font "sans-serif,13" background "white"
set output out
set datafile missing "nan"
set datafile separator "\t"
set logscale xy
set format x "10^{%L}"
set grid xtics ytics lc rgb "#dddddd"
set key off

work(k) = word("start_stop idle_reset server_mix arm fire", k)
name(k) = word("'stop + start, 1 to 60 s ahead' 'push of a 30 s timeout' \
'90 % push, 8 % stop + start, 2 % fire' 'arm, in turn' 'fire, in polls of 1 ms'", k)

labels = '"touch plain" "rota wheel" "rota coarse" "rota heap" "timeout.c" \
"libev" "binary heap" "libevent plain" "tokio" "Go go1.26.8"'
colours = "#999999 #c0392b #e67e22 #8e44ad #2c3e50 #2980b9 #16a085 #7f8c8d \
#27ae60 #f1c40f"

set multiplot layout 2,3
do for [k = 1:5] {
	set title name(k)
	set xlabel "timers"
	set ylabel "ns"
	# The block of a work begins with its name.
	block = system(sprintf("awk -F'\t' '/^\"/ { gsub(/\"/, \"\", $1); \
		if ($1 == \"%s\") { print n + 0; exit } n++ }' '%s'", \
		work(k), data)) + 0
	plot for [i = (k == 5 ? 2 : 1):10] data index block \
		using 1:(column(word(labels, i))) with linespoints \
		lw (i >= 2 && i <= 4 ? 2.5 : 1.2) pt 7 ps 0.5 \
		lc rgb word(colours, i)
}
unset title
unset border
unset tics
unset xlabel
unset ylabel
set key on center center
unset logscale
plot [0:1] [0:1] for [i = 1:10] 2 with lines lw (i >= 2 && i <= 4 ? 2.5 : 1.2) \
	lc rgb word(colours, i) title word(labels, i)
unset multiplot
