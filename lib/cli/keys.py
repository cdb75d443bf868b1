"""`infra/dev keys`: makes, revokes, lists and rotates the bearer keys of owners.

Works on the JSON of OWNER_KEYS, in a file or from standard input to standard output, so that the
secret itself goes to a secret manager by its owner's hands. A key is shown once; what is kept of it
is a salted hash, which cannot be turned back.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.config import ConfigError, parse_owner_keys
from lib.web.auth import digest, new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Table = dict[str, list[str]]
EPILOG = """
Without --file the table is read from standard input and the new one goes to standard output; the
key and the notes go to standard error. An empty input is refused unless --new says that there is no
table yet, so that a failed read never replaces everybody's keys.

  infra/dev keys create alice --new > owner-keys.json
  infra/dev keys create bob --file owner-keys.json
  infra/dev keys list --file owner-keys.json
  infra/dev keys revoke alice 3f0c9a1be27d6458 --file owner-keys.json

Functions read OWNER_KEYS when they start: a change takes effect with the next deployed revision.
"""


class KeysRefused(Exception):
    """What was asked for cannot be done; nothing was written."""


def main(argv: Sequence[str]) -> int:
    """Run a command; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        note = _to_error if options.file is None else _to_output
        found = options.command(_read(options), options, note)
        if found is not None:
            _write(options, found)
    except (KeysRefused, ConfigError) as reason:
        _to_error(f"infra/dev keys: {reason}")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="infra/dev keys",
        description="Bearer keys of owners: what OWNER_KEYS holds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, call: Callable[..., Table | None], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=call)
        made.add_argument("--file", type=Path, help="the JSON of OWNER_KEYS")
        return made

    for name, call, text in (
        ("create", _create, "a further key for an owner; it is shown once"),
        ("rotate", _rotate, "a new key for an owner; the old ones stay until revoked, or --drop"),
    ):
        made = command(name, call, text)
        made.add_argument("owner", help="letters, digits, - and _; becomes part of object names")
        made.add_argument("--new", action="store_true", help="there is no table yet")
    made.add_argument("--drop", action="store_true", help="drop the owner's older keys at once")
    revoke = command("revoke", _revoke, "take a key back, or all keys of an owner")
    revoke.add_argument("owner")
    revoke.add_argument("key", help="its id (see list), the key itself, or `all`")
    command("list", _list, "owners and the ids of their keys")
    return parser


def _create(table: Table, options: argparse.Namespace, note: Callable[[str], None]) -> Table:
    key, kept = new_key()
    changed = {**table, options.owner: [*table.get(options.owner, []), kept]}
    parse_owner_keys(changed)  # refuses what the service would refuse at its start
    note(f"{options.owner}: {key}")
    note("This is the only time that the key is shown.")
    return changed


def _rotate(table: Table, options: argparse.Namespace, note: Callable[[str], None]) -> Table:
    older = table.get(options.owner)
    if not older:
        raise KeysRefused(f"{options.owner} has no key to rotate; create makes one.")
    if options.drop:
        return _create({**table, options.owner: []}, options, note)
    changed = _create(table, options, note)
    note("When everybody uses it, revoke: " + ", ".join(_id(kept) for kept in older))
    return changed


def _revoke(table: Table, options: argparse.Namespace, note: Callable[[str], None]) -> Table:
    kept = table.get(options.owner)
    if kept is None:
        raise KeysRefused(f"there is no owner {options.owner!r}; {_owners(table)}")
    gone = [text for text in kept if options.key in {"all", _id(text)} or _is(text, options.key)]
    if not gone:
        ids = ", ".join(_id(text) for text in kept)
        raise KeysRefused(f"{options.owner} has no such key; theirs are: {ids}.")
    left = [text for text in kept if text not in gone]
    note(f"{options.owner}: revoked {', '.join(_id(text) for text in gone)}, {len(left)} left")
    others = {owner: texts for owner, texts in table.items() if owner != options.owner}
    return {**others, options.owner: left} if left else others


def _list(table: Table, _options: argparse.Namespace, _note: Callable[[str], None]) -> None:
    for owner, texts in sorted(table.items()):
        for text in texts:
            _to_output(f"{owner}  {_id(text)}")
    if not table:
        _to_output("no keys: nobody may call")


def _owners(table: Table) -> str:
    return f"there are: {', '.join(sorted(table))}." if table else "the table is empty."


def _id(kept: str) -> str:
    return kept.partition(":")[0]


def _is(kept: str, key: str) -> bool:
    salt, _, hashed = kept.partition(":")
    return digest(salt, key) == hashed


def _read(options: argparse.Namespace) -> Table:
    """The table as it is; empty only where that was said or cannot be a mistake."""
    starting = getattr(options, "new", False)
    if options.file is not None:
        if not options.file.exists():
            if options.command is not _create:
                raise KeysRefused(f"{options.file} does not exist.")
            return {}
        text = options.file.read_text("utf-8")
    else:
        text = "" if starting else sys.stdin.read()
    if not text.strip():
        if not starting:
            raise KeysRefused("the table is empty; --new says that there is none yet.")
        return {}
    if starting:
        raise KeysRefused(f"{options.file} holds a table already; leave --new out.")
    return _table(text)


def _table(text: str) -> Table:
    try:
        data: Any = json.loads(text)
    except ValueError:
        raise KeysRefused("the table is not valid JSON.") from None
    return {owner: list(texts) for owner, texts in parse_owner_keys(data).items()}


def _write(options: argparse.Namespace, table: Table) -> None:
    text = json.dumps(table, indent=2, sort_keys=True) + "\n"
    if options.file is None:
        sys.stdout.write(text)
        return
    # Whole or not at all; a temporary file is for its owner's eyes only.
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=options.file.parent, delete=False
    ) as file:
        file.write(text)
    Path(file.name).replace(options.file)


def _to_output(line: str) -> None:
    sys.stdout.write(line + "\n")


def _to_error(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
