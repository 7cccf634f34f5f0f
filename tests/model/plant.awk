# SPDX-License-Identifier: MIT
#
# plant.awk - the mistakes that could be planted in C files.
#
#	awk -f plant.awk FILE...
#
# Writes a line for each, of fields with tabs between: kind, file, first line,
# last line, and what those lines become (a form feed is a newline, \001 a
# tab). Kinds:
#	operator	another in place of < <= > >= == != + - & | && || ++ --
#			+= -= &= |=
#	negate		the condition of an if or a while
#	drop		a call or an assignment that stands alone on its lines
# The memory orders are those of orders.awk. It goes by the form that
# clang-format gives the tree: a function's braces are in column one, a binary
# operator has spaces around it. Comments, strings, preprocessor lines,
# prototypes, types and what the release preset compiles out are left alone. A
# candidate that does not compile is no harm: it is drawn anew.

# The line without comments and strings, as long as before.
function code_of(s,    out, c, i, two, quote) {
	out = ""
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		two = substr(s, i, 2)
		if (comment) {
			if (two == "*/") {
				comment = 0
				out = out " "
				i++
			}
			out = out " "
		} else if (quote) {
			if (c == "\\") {
				out = out "x"
				i++
			} else if (c == quote)
				quote = ""
			out = out "x"
		} else if (two == "/*") {
			comment = 1
			out = out "  "
			i++
		} else if (two == "//") {
			while (i++ <= length(s))
				out = out " "
		} else {
			if (c == "\"" || c == "'")
				quote = c
			out = out (quote ? "x" : c)
		}
	}
	return out
}

function trimmed(s) {
	sub(/[ \t]+$/, "", s)
	return s
}

# What the condition of #if is in preset release; what is not known is true.
function holds(s) {
	if (s ~ /ifndef/)
		return s ~ /NDEBUG/ ? 0 : 1
	if (s ~ /ifdef[ \t]+NDEBUG/)
		return 1
	return s ~ /ROTA_(DEBUG_OBJECTS|HOSTILE|CHAOS|GATE|COV|RELACY)/ ? 0 : 1
}

function emit(kind, from, to, text) {
	gsub(/\t/, "\001", text)
	printf "%s\t%s\t%d\t%d\t%s\n", kind, name, from, to, text
}

function operators(i,    c, at, len, op, before, after, spaced) {
	c = code[i]
	for (at = 1; at <= length(c); at += len) {
		len = 1
		if (substr(c, at, 1) !~ /[-<>=!+&|]/)
			continue
		while (substr(c, at + len, 1) ~ /[-<>=!+&|]/)
			len++
		op = substr(c, at, len)
		if (!(op in other))
			continue
		before = substr(c, at - 1, 1)
		after = substr(c, at + len, 1)
		spaced = before ~ /[ \t]/ && (after == " " || after == "")
		if (op != "++" && op != "--" && !spaced)
			continue
		emit("operator", i, i, substr(raw[i], 1, at - 1) other[op] \
		    substr(raw[i], at + len))
	}
}

function negate(i,    at, j, k, depth, c, text, line) {
	if (!match(code[i], /(^|[ \t}])(if|while) \(/))
		return
	at = RSTART + RLENGTH
	depth = 1
	text = ""
	for (j = i; j <= n && j < i + 6; j++) {
		line = raw[j]
		for (k = j == i ? at : 1; k <= length(code[j]); k++) {
			c = substr(code[j], k, 1)
			if (c == "(")
				depth++
			else if (c == ")" && --depth == 0)
				break
		}
		if (j == i)
			text = substr(line, 1, at - 1) "!("
		if (depth == 0) {
			text = text (j == i ? substr(line, at, k - at) : \
			    substr(line, 1, k - 1)) ")" substr(line, k)
			emit("negate", i, j, text)
			return
		}
		text = text (j == i ? substr(line, at) : line) "\f"
	}
}

function drop(i,    s, p, j, k, c, depth, text) {
	s = code[i]
	if (s !~ /^\t+[^ \t]/)
		return
	for (p = i - 1; p > 0 && trimmed(code[p]) == ""; p--)
		;
	p = trimmed(code[p])
	if (p !~ /[;{}:)]$/ && p !~ /else$/ && p !~ /^do$/ && p !~ /^#/)
		return
	sub(/^\t+/, "", s)
	sub(/^\(void\)/, "", s)
	if (s !~ /^[*(a-zA-Z_+-]/ || s ~ /^[A-Za-z_][A-Za-z0-9_]*;/ ||
	    s ~ /^[A-Za-z_][A-Za-z0-9_]* +\**[A-Za-z_(]/ ||
	    s ~ /^(assert|_Static_assert|PROBE_[A-Z]*|rota_prefetch|rota_in_order)\(/ ||
	    s ~ /^(break|continue|return|do|else|default|goto)[^a-z_]/)
		return
	depth = 0
	text = substr(code[i], 1, match(code[i], /[^\t]/) - 1) ";"
	for (j = i; j <= n && j < i + 6; j++) {
		for (k = 1; k <= length(code[j]); k++) {
			c = substr(code[j], k, 1)
			depth += c == "(" ? 1 : c == ")" ? -1 : 0
			if (c == "{" || c == "}")
				return
			if (c == ";" && trimmed(substr(code[j], k + 1)) != "")
				return
		}
		if (j > i)
			text = text "\f"
		if (depth == 0 && trimmed(code[j]) ~ /;$/) {
			emit("drop", i, j, text)
			return
		}
	}
}

function file(    i, c, cond, deep, skip, macro, body) {
	deep = skip = macro = body = 0
	for (i = 1; i <= n; i++) {
		c = code[i]
		if (macro || c ~ /^[ \t]*#/) {
			macro = c ~ /\\$/
			if (c ~ /^[ \t]*#[ \t]*if/) {
				on[++deep] = holds(c)
				skip += !on[deep]
			} else if (c ~ /^[ \t]*#[ \t]*else/) {
				skip += on[deep] ? 1 : -1
				on[deep] = !on[deep]
			} else if (c ~ /^[ \t]*#[ \t]*endif/)
				skip -= !on[deep--]
			continue
		}
		if (c ~ /^\{/)
			body = 1
		else if (c ~ /^\}/)
			body = 0
		if (skip || !body)
			continue
		if (c !~ /^\t+(assert|PROBE_[A-Z]*)\(/) {
			operators(i)
			negate(i)
			drop(i)
		}
	}
}

BEGIN {
	split("< <= > >= == != + - & | && || ++ -- += -= &= |=", ops, " ")
	for (i = 1; i in ops; i += 2) {
		other[ops[i]] = ops[i + 1]
		other[ops[i + 1]] = ops[i]
	}
}
FNR == 1 {
	if (n)
		file()
	n = comment = 0
	name = FILENAME
}
{
	raw[++n] = $0
	code[n] = code_of($0)
}
END {
	if (n)
		file()
}
