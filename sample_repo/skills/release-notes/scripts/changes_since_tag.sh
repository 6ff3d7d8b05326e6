#!/bin/sh
# List what was merged since a tag, grouped by the prefix of the commit ("feat:", "fix(api)!:").
#
# usage: changes_since_tag.sh [from-tag] [to-ref]
#
# Without from-tag: the newest tag that to-ref contains, or the whole history if there is none.
set -eu

case "${1:-}" in
-h | --help)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

git rev-parse --git-dir >/dev/null || exit 2
to=${2:-HEAD}
from=${1:-$(git describe --tags --abbrev=0 "$to" 2>/dev/null || true)}
for reference in "$to" ${from:+"$from"}; do
    if ! git rev-parse --quiet --verify "$reference^{commit}" >/dev/null; then
        echo "changes_since_tag: no such tag or commit: $reference" >&2
        exit 2
    fi
done

range=${from:+$from..}$to
echo "# Changes in $range"

# Commits whose message announces a breaking change further down than the first line.
breaking=$(git log --no-merges --format=%h -E --grep='^BREAKING[ -]CHANGE:' "$range" | tr '\n' ' ')

git log --no-merges --format='%h%x09%an%x09%s' "$range" |
    awk -F '\t' -v marked=" $breaking" '
    {
        subject = substr($0, length($1) + length($2) + 3)
        prefix = "other"
        breaking = index(marked, " " $1 " ")
        if (match(subject, /^[a-z]+(\([^)]*\))?!?: /)) {
            head = substr(subject, 1, RLENGTH - 2)
            subject = substr(subject, RLENGTH + 1)
            if (head ~ /!$/) breaking = 1
            prefix = head
            sub(/[(!].*$/, "", prefix)
        }
        if (breaking) prefix = "BREAKING"
        if (!(prefix in lines)) order[++count] = prefix
        lines[prefix] = lines[prefix] "- " subject " (" $1 ", " $2 ")\n"
    }
    function show(prefix) {
        if (prefix in lines && !(prefix in shown)) printf "\n## %s\n%s", prefix, lines[prefix]
        shown[prefix] = 1
    }
    END {
        if (!count) { print "\nNothing was merged."; exit }
        show("BREAKING"); show("feat"); show("fix"); show("perf"); show("security")
        for (i = 1; i <= count; i++) show(order[i])
    }'
