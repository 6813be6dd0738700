# shellcheck shell=bash
# show.sh tells what a script does: each step with the command that a person would
# type and what it printed. It is sourced. Whatever is not as it should be ends the
# script with status 1 and the whole output.

SHOWN_LINES=12 # of a command's output

OUTPUT=     # what the last command printed
step_number=0

if [ -t 1 ]; then
  bold=$'\e[1m' faint=$'\e[2m' plain=$'\e[0m'
else
  bold='' faint='' plain=''
fi

# step WORDS begins a step.
step() {
  step_number=$((step_number + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$step_number" "$*" "$plain"
}

note() { printf '   %s\n' "$*"; }

# show COMMAND types a command and runs it; it must succeed.
show() {
  type_out "$*"
  capture eval "$*" || fail "the command ended with status $STATUS"
  print_output
}

# show_as TYPED COMMAND... types what a person would and runs what a script needs.
# The command runs in this shell, so that what it starts is its child.
show_as() {
  type_out "$1"
  shift
  capture "$@" || fail "the command ended with status $STATUS"
}

# says WORDS COMMAND types a command and runs it; whether it succeeds or not, it
# must print the words.
says() {
  local words=$1
  shift
  type_out "$*"
  capture eval "$*" || true
  [[ $OUTPUT == *"$words"* ]] || fail "expected: $words"
  print_output
}

# holds WHAT COMMAND... checks quietly; what is claimed must hold.
holds() {
  local what=$1
  shift
  capture "$@" || fail "not so: $what"
  note "$what"
}

type_out() { printf '   %s$ %s%s\n' "$faint" "$*" "$plain"; }

# capture runs a command in this shell and keeps what it printed in OUTPUT and its
# exit status in STATUS.
capture() {
  local file
  file=$(mktemp "$LAB/output.XXXXXX")
  STATUS=0
  "$@" >"$file" 2>&1 </dev/null || STATUS=$?
  OUTPUT=$(<"$file")
  rm -f "$file"
  return "$STATUS"
}

print_output() {
  [ -n "$OUTPUT" ] || return 0
  # openssl req ends its silence about a new key with a line of hyphens.
  printf '%s\n' "$OUTPUT" | sed '/^-----$/d' | head -n "$SHOWN_LINES" | cut -c 1-160 | sed 's/^/     /'
}

fail() {
  printf '\nFAILED at step %d: %s\n' "$step_number" "$*" >&2
  printf '%s\n' "$OUTPUT" | sed 's/^/     /' >&2
  if [ -s "${LAB:-}/server/log" ]; then
    printf 'The server said last:\n' >&2
    tail -n 20 "$LAB/server/log" >&2
  fi
  exit 1
}
