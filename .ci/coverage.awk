# Reads what gcov --stdout prints with branches, and tells of each file of src/core, or of another
# -v folder=, how many of its lines and branches were reached, and above the table where the others
# are.
#
# A function in a header is compiled into many objects; a line counts as reached if it was in any.
# The failing way of an assert is not counted: it leads to the state that cannot be.

BEGIN { where = "src/" (folder ? folder : "core") "/[^/]*$" }

# "count: number: text", where "-" counts a line without code, "#####" and "=====" one not reached.
# After a line come its branches: "branch  0 taken 12", "branch  1 never executed".
/^branch / {
  if (!counting || asserting) next
  key = file ":" number ":" $2
  if (!(key in branch_reached)) {
    branch_reached[key] = 0
    branch_count[file ":" number]++
  }
  if ($3 == "taken" && $4 > 0) branch_reached[key] = 1
  next
}
/^(call|function|unconditional) / { next }

{
  split($0, part, ":")
  count = part[1]; number = part[2] + 0
  gsub(/[ *]/, "", count)
}
number == 0 {
  if (part[3] == "Source") {
    file = part[4]
    counting = file ~ where && file !~ /\/assert\.h$/
    if (counting && !(file in last_line)) files[++file_count] = file
  }
  next
}
counting && count != "-" {
  asserting = /ASSERT *\(/
  key = file ":" number
  if (!(key in line_reached)) line_reached[key] = 0
  if (count !~ /^[#=]+$/) line_reached[key] = 1
  if (number > last_line[file]) last_line[file] = number
}

# Lines that follow each other, but for those without code, are told as one.
function tell_unreached(f, first, last) {
  if (first) print "  " f ":" first (last > first ? "-" last : "") " never reached"
}

function percent(part, whole) { return whole ? 100 * part / whole : 100 }
function row(name, reached, lines, taken, branches) {
  printf "%-32s %5d/%-5d %5.1f%%   %5d/%-5d %5.1f%%\n", name, reached, lines,
    percent(reached, lines), taken, branches, percent(taken, branches)
}

END {
  for (i = 1; i <= file_count; i++) {
    f = files[i]
    first = 0
    for (n = 1; n <= last_line[f]; n++) {
      key = f ":" n
      if (!(key in line_reached)) continue
      lines[f]++
      if (!line_reached[key]) {
        if (!first) first = n
        last = n
      } else {
        reached[f]++
        tell_unreached(f, first, last)
        first = 0
      }
      ways = 0
      for (b = 0; ways < branch_count[key] && b < 1000; b++) {
        if (!((key ":" b) in branch_reached)) continue
        ways++
        branches[f]++
        if (branch_reached[key ":" b]) taken[f]++
        else if (line_reached[key]) print "  " key " branch " b " never taken"
      }
    }
    tell_unreached(f, first, last)
  }
  printf "%-32s %18s   %20s\n", "", "lines", "branches"
  for (i = 1; i <= file_count; i++) {
    f = files[i]
    row(f, reached[f], lines[f], taken[f], branches[f])
    all_reached += reached[f]; all_lines += lines[f]
    all_taken += taken[f]; all_branches += branches[f]
  }
  row("total", all_reached, all_lines, all_taken, all_branches)
}
