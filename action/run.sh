#!/usr/bin/env bash
# One run of the action: everything comes in as a variable, nothing foreign is ever part of a command's text.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "${WHERE:-.}"

# Adds --OPTION VALUE to `words` when VALUE is not empty.
add() {
  if [ -n "$2" ]; then words+=("$1" "$2"); fi
}

# Runs a command in which git may speak to the forge: the token is in no argument, no file and no remote's address.
with_token() {
  local header
  header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "${GITHUB_TOKEN:-}" | base64 | tr -d '\n')"
  GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL:-https://github.com}/.extraheader" \
    GIT_CONFIG_VALUE_0="$header" "$@"
}

# Fetches the commit of a pull request as objects: no checkout, no hook.
fetch_head() {
  [[ "${HEAD_SHA:-}" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] || { echo "error: the event names no commit" >&2; exit 2; }
  with_token git fetch --quiet --no-tags --no-recurse-submodules origin "$HEAD_SHA"
}

# Refuses to be another skillsync than the workflow was written for.
check_version() {
  [ -z "${VERSION:-}" ] && return 0
  local found
  found="$(skillsync --version)"
  [ "${found##* }" = "$VERSION" ] || { echo "error: this action's commit is ${found}, and version says another" >&2; exit 2; }
}

# Runs a review into $REPORT; in mode compute of the event's commit against the trusted checkout.
review() {
  local words=(review) format formats=()
  if [ "$MODE" = compute ]; then
    fetch_head || return $?
    words+=("HEAD..$HEAD_SHA")
    if [ -n "${GITHUB_TOKEN:-}" ]; then words+=("--labels=${COMMENT_KEY:-default}"); fi
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
  words+=(--out "$REPORT" --format json --format markdown)
  read -r -a formats <<<"${FORMATS:-html sarif github}"
  for format in "${formats[@]}"; do
    # Annotations are for the pull request's own run: those of a trusted run would stand beside another commit.
    if [ "$format" = github ] && [ "$MODE" = compute ]; then continue; fi
    words+=(--format "$format")
  done
  skillsync "${words[@]}"
}

comment() {
  local words=(comment "$REPORT/review.json" --key "${COMMENT_KEY:-default}" --json)
  add --report-url "${REPORT_URL:-}"
  if [ "${CHECK:-true}" = true ]; then words+=(--check); fi
  if [ "${COMMENT:-sticky}" = none ]; then words+=(--no-comment); fi
  if [ "${SARIF_UPLOAD:-false}" = true ]; then words+=(--sarif "$REPORT/review.sarif"); fi
  skillsync "${words[@]}" >"$REPORT/comment.json"
}

# Publishes what was reviewed, says so on the merged pull request, and tells open ones what moved.
push() {
  local words=(push --json) name code=0 names=()
  case "${REVIEWED:-auto}" in
    auto) words+=(--reviewed auto) ;;
    off) words+=(--all-or-nothing) ;;
    *) words+=(--reviewed "$REVIEWED") ;;
  esac
  if [ "${REVIEWED:-auto}" != off ] && [ "${STRICT:-true}" = true ]; then words+=(--strict); fi
  add --target "${TARGET:-}"
  read -r -a names <<<"${ARCHIVE:-}"
  for name in "${names[@]}"; do words+=(--archive "$name"); done
  with_token skillsync "${words[@]}" >"$REPORT/push.json" || code=$?
  if [ "${COMMENT:-sticky}" != none ] && [ -n "${GITHUB_TOKEN:-}" ] && [ -s "$REPORT/push.json" ]; then
    skillsync comment "$REPORT/push.json" --key "${COMMENT_KEY:-default}" ||
      echo "warning: the pull request was not told" >&2
  fi
  return "$code"
}

# Brings the store's edits back as a pull request.
pull() {
  local words=(pull --pr --json)
  add --target "${TARGET:-}"
  with_token skillsync "${words[@]}" >"$REPORT/pull.json"
}

# Writes the outputs: numbers, hashes and words of ours, so that no line of them can be foreign.
outputs() {
  local code=$1 verdict=error
  case "$code" in 0 | 10) verdict=pass ;; 3) verdict=drift ;; 6) verdict=fail ;; esac
  {
    echo "exit-code=$code"
    echo "verdict=$verdict"
    if [ -f "$REPORT/review.json" ]; then echo "report-json=$REPORT/review.json"; fi
    python -I "$here/outputs.py" "$REPORT"
  } >>"$GITHUB_OUTPUT"
}

: "${REPORT:=skillsync-report}"
mkdir -p "$REPORT"
check_version
code=0
case "$MODE" in
  review | compute)
    review || code=$?
    if [ -f "$REPORT/review.md" ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$REPORT/review.md" >>"$GITHUB_STEP_SUMMARY"; fi
    ;;
  comment) comment || code=$? ;;
  push) push || code=$? ;;
  pull) pull || code=$? ;;
  *)
    echo "error: mode is review, compute, comment, push or pull" >&2
    code=2
    ;;
esac
outputs "$code"
exit "$code"
