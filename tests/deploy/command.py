"""infra/dev as a person calls it, and a Terraform that writes down what it was asked.

The stand-in answers as a test says: `FAILS` is a word that it fails at, `ERRORS` a file with an error for
each apply. Refuses nothing.
"""

import subprocess

# Says what it was asked, and ends as it is told; the real one needs an account to do anything.
STAND_IN = """#!/bin/sh
echo "terraform $*" >> "$ASKED"
echo "data $TF_DATA_DIR" >> "$ASKED"
[ -z "$GOOGLE_IMPERSONATE_SERVICE_ACCOUNT" ] || echo "as $GOOGLE_IMPERSONATE_SERVICE_ACCOUNT" >> "$ASKED"
case "$*" in
  *source_zip=*) zip=${*##*source_zip=} && [ -f "${zip%% *}" ] && echo "zip there" >> "$ASKED" ;;
esac
case "$*" in
  *"output "*) echo "gcloud secrets versions add inbetween-upstream --project=demo --data-file=-" ;;
esac
case "$*" in *" $FAILS "*) exit 7;; esac
case "$*" in
  *" apply "*)
    if [ -s "$ERRORS" ]; then
      read -r error < "$ERRORS" && tail -n +2 "$ERRORS" > "$ERRORS.left"
      mv "$ERRORS.left" "$ERRORS"
      printf '\\033[31m│\\033[0m Error: %s\\n' "$error" >&2
      exit 1
    fi ;;
esac
"""


def deploy(project, machine, *arguments, cwd="/", command="deploy", **environ):
    command = [str(project / "infra/dev"), command, *arguments]
    # A person without credentials, unless the test gives some.
    kept = {"PATH": str(machine), "HOME": str(machine), **environ}
    return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True)


def install(machine):
    (machine / "terraform").write_text(STAND_IN)
    (machine / "terraform").chmod(0o755)


def words_of(asked):
    """Terraform's subcommands in order, and the words of the last one."""
    lines = [line.split() for line in asked.read_text().splitlines() if "terraform -c" in line]
    return [words[2] for words in lines], lines[-1]
