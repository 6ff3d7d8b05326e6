#!/usr/bin/env bash
# One run of the action: everything comes in as a variable, nothing foreign is ever part of a command's text.
set -euo pipefail
cd "${WHERE:-.}"

# Adds --OPTION VALUE to `words` when VALUE is not empty.
add() {
  if [ -n "$2" ]; then words+=("$1" "$2"); fi
}

# Fetches the commit of a pull request as objects: no checkout, no hook, the token in no argument.
fetch_head() {
  [[ "${HEAD_SHA:-}" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] || { echo "error: the event names no commit" >&2; exit 2; }
  local header
  header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "${GITHUB_TOKEN:-}" | base64 | tr -d '\n')"
  GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL:-https://github.com}/.extraheader" \
    GIT_CONFIG_VALUE_0="$header" git fetch --quiet --no-tags --no-recurse-submodules origin "$HEAD_SHA"
}

# Runs a review into $REPORT; in mode compute of the event's commit against the trusted checkout.
review() {
  local words=(review)
  if [ "$MODE" = compute ]; then
    fetch_head || return $?
    words+=("HEAD..$HEAD_SHA")
  elif [ -n "${RANGE:-}" ]; then
    words+=("$RANGE")
  fi
  case "${ONLINE:-auto}" in
    never) words+=(--offline) ;;
    always) words+=(--online) ;;
    *) words+=(--auto) ;;
  esac
  add --target "${TARGET:-}"
  add --policy-from "${POLICY_REF:-}"
  add --fail-on "${FAIL_ON:-}"
  add --drift "${DRIFT:-}"
  add --require-ack "${REQUIRE_ACK:-}"
  add --show-values "${SHOW_VALUES:-}"
  words+=(--out "$REPORT" --format json --format markdown --format html --format sarif)
  if [ "$MODE" = review ]; then words+=(--format github); fi
  skillsync "${words[@]}"
}

push() {
  local words=(push --all-or-nothing) name
  add --target "${TARGET:-}"
  local names=()
  read -r -a names <<<"${ARCHIVE:-}"
  for name in "${names[@]}"; do words+=(--archive "$name"); done
  skillsync "${words[@]}"
}

# Writes the outputs: numbers, a hash and words of ours, so that no line of them can be foreign.
outputs() {
  local code=$1 verdict=error
  case "$code" in 0 | 10) verdict=pass ;; 3) verdict=drift ;; 6) verdict=fail ;; esac
  {
    echo "exit-code=$code"
    echo "verdict=$verdict"
    if [ -f "$REPORT/review.json" ]; then
      echo "report-json=$REPORT/review.json"
      python -I - "$REPORT/review.json" <<'PY'
import json, re, sys
review = json.load(open(sys.argv[1], encoding="utf-8"))
plan = str(review["plan"]["plan_id"])
print("plan-id=" + (plan if re.fullmatch(r"sha256:[0-9a-f]{64}", plan) else ""))
print(f"changed={len(review['plan']['ops'])}")
found = [one["level"] for one in review["findings"] if one["accepted"] is None]
print(f"errors={found.count('error')}\nwarnings={found.count('warning')}")
PY
    fi
  } >>"$GITHUB_OUTPUT"
}

: "${REPORT:=skillsync-report}"
code=0
case "$MODE" in
  review | compute)
    review || code=$?
    if [ -f "$REPORT/review.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$REPORT/review.md" >>"$GITHUB_STEP_SUMMARY"; fi
    ;;
  comment) skillsync comment "$REPORT/review.json" --key "${COMMENT_KEY:-default}" || code=$? ;;
  push) push || code=$? ;;
  *)
    echo "error: mode is review, compute, comment or push" >&2
    code=2
    ;;
esac
outputs "$code"
exit "$code"
