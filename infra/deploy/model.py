"""What Terraform's files come to for given variables, without Terraform and without an account.

Gives every resource with its arguments' values, so that a dry run can print them and tests can
judge them. Refuses what it cannot work out: an unknown reference is an error, never a guess.
Computed attributes follow Google's documented forms. It changes nothing and calls nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.deploy import hcl, values
from infra.deploy.values import Wrong, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from infra.deploy.hcl import Block, Expr

# What Google adds to a resource, from what was asked for. IAM, "Service account identifiers";
# Cloud Run functions, "Function URL".
COMPUTED: dict[str, dict[str, str]] = {
    "google_service_account": {
        "email": "{account_id}@{project}.iam.gserviceaccount.com",
        "member": "serviceAccount:{account_id}@{project}.iam.gserviceaccount.com",
        "name": "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
        "id": "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
    },
    "google_cloudfunctions2_function": {
        "url": "https://{location}-{project}.cloudfunctions.net/{name}",
    },
    "google_monitoring_notification_channel": {"id": "notification channel {display_name}"},
}


class Model:
    """One configuration with its variables.

    Args:
        folder: where the `.tf` files are.
        given: values of variables; the others take their defaults.

    Raises:
        Unreadable: a file cannot be read.
        Wrong: two things bear one name, or a variable is missing or unknown.
    """

    def __init__(self, folder: Path, given: Mapping[str, Any]) -> None:
        self.folder = folder
        self._locals: dict[str, Expr] = {}
        self._blocks: dict[str, dict[str, Block]] = {}
        self._done: dict[tuple[str, ...], Any] = {}
        for path in sorted(folder.glob("*.tf")):
            for block in hcl.parse(path.read_text("utf-8"), path.name).blocks:
                self._place(block, path.name)
        self.variables = self._given(given)

    def _place(self, block: Block, file: str) -> None:
        if block.kind == "locals":
            new, known = block.values, self._locals
        else:
            # A block without a name may stand in several files, as `terraform` does.
            name = block.labels[-1] if block.labels else f"{file}:{block.line}"
            kind = ".".join((block.kind, *block.labels[:-1]))
            if name in self._blocks.get(kind, {}):
                raise Wrong(f"{file}:{block.line}: {kind}.{name} is there already")
            self._blocks.setdefault(kind, {})[name] = block
            return
        for name, value in new.items():
            if name in known:
                raise Wrong(f"{file}:{block.line}: local.{name} is there already")
            known[name] = value

    def _given(self, given: Mapping[str, Any]) -> dict[str, Any]:
        blocks = self.blocks("variable")
        if unknown := sorted(set(given) - set(blocks)):
            raise Wrong(f"unknown variable {unknown[0]}; there are: {', '.join(sorted(blocks))}")
        found = {}
        for name, block in blocks.items():
            if name not in given and "default" not in block.values:
                raise Wrong(f"the variable {name} has no default: give it")
            value = given[name] if name in given else self.value(block.values["default"], {})
            found[name] = value
        return found

    def blocks(self, kind: str) -> Mapping[str, Block]:
        """Blocks of one kind by name; resources are of the kind `resource.TYPE`."""
        return self._blocks.get(kind, {})

    def refused(self) -> list[str]:
        """What the variables' own rules say against their values."""
        return [
            str(self.value(rule.values["error_message"], {}))
            for block in self.blocks("variable").values()
            for rule in block.blocks
            if rule.kind == "validation" and not self.value(rule.values["condition"], {})
        ]

    def types(self) -> list[str]:
        """Every type of resource that is there."""
        return sorted(kind[9:] for kind in self._blocks if kind.startswith("resource."))

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Every resource of a type by address, with its arguments' values."""
        found: dict[str, dict[str, Any]] = {}
        for name in self.blocks(f"resource.{kind}"):
            made = self._resource(kind, name)
            if "for_each" in self.blocks(f"resource.{kind}")[name].values:
                found |= {f'{name}["{key}"]': one for key, one in made.items()}
            else:
                found[name] = made
        return found

    def outputs(self) -> dict[str, Any]:
        """Every output's value."""
        return {
            name: self.value(block.values["value"], {})
            for name, block in self.blocks("output").items()
        }

    def _resource(self, kind: str, name: str) -> Any:
        block = self.blocks(f"resource.{kind}").get(name)
        if block is None:
            raise Wrong(f"{kind}.{name} is referred to and is not there")
        if "for_each" not in block.values:
            return self._once(("resource", kind, name), lambda: self._made(kind, block, {}))
        each = self._once(
            ("each", kind, name), lambda: dict(pairs(self.value(block.values["for_each"], {})))
        )
        return {key: self._one(kind, name, key, value) for key, value in each.items()}

    def _one(self, kind: str, name: str, key: str, value: Any) -> Any:
        block = self.blocks(f"resource.{kind}")[name]
        here = {"each": {"key": key, "value": value}}
        return self._once(("resource", kind, name, key), lambda: self._made(kind, block, here))

    def _once(self, key: tuple[str, ...], make: Callable[[], Any]) -> Any:
        if key not in self._done:
            self._done[key] = _Busy
            self._done[key] = make()
        if self._done[key] is _Busy:
            raise Wrong(f"{'.'.join(key)} refers to itself")
        return self._done[key]

    def _made(self, kind: str, block: Block, here: Mapping[str, Any]) -> dict[str, Any]:
        made = self._filled(block, here)
        for name, form in COMPUTED.get(kind, {}).items():
            made[name] = form.format(**made)
        return made

    def _filled(self, block: Block, here: Mapping[str, Any]) -> dict[str, Any]:
        made = {
            name: self.value(value, here)
            for name, value in block.values.items()
            if name not in {"for_each", "depends_on"}
        }
        for inner in block.blocks:
            if inner.kind == "lifecycle":
                continue  # judged by `broken`, after everything else is known
            if inner.kind != "dynamic":
                made.setdefault(inner.kind, []).append(self._filled(inner, here))
                continue
            (kind,), (content,) = inner.labels, inner.blocks
            for key, value in pairs(self.value(inner.values["for_each"], here)):
                scope = {**here, kind: {"key": key, "value": value}}
                made.setdefault(kind, []).append(self._filled(content, scope))
        return made

    def broken(self) -> list[str]:
        """Preconditions that do not hold, and dependencies that are not there."""
        found = []
        for kind in self.types():
            for name, block in self.blocks(f"resource.{kind}").items():
                self.value(block.values.get("depends_on", ("list", ())), {})
                found += [
                    f"{kind}.{name}: {self.value(rule.values['error_message'], {})}"
                    for cycle in block.blocks
                    if cycle.kind == "lifecycle"
                    for rule in cycle.blocks
                    if not self.value(rule.values["condition"], {})
                ]
        return found

    def value(self, node: Expr, here: Mapping[str, Any]) -> Any:
        """What an expression comes to at a place.

        Args:
            node: as `hcl.expression` gives it.
            here: the names of the place, such as `each`.

        Raises:
            Wrong: it cannot be worked out.
        """
        return values.value(node, values.Scope(self._root, here, self.folder))

    def _root(self, name: str) -> Any:
        if name == "var":
            return self.variables
        if name == "local":
            return _Lazy(self._locals, "local", self._local)
        if names := self.blocks(f"resource.{name}"):
            return _Lazy(names, name, lambda one: self._resource(name, one))
        raise Wrong(f"nothing is called {name} here")

    def _local(self, name: str) -> Any:
        return self._once(("local", name), lambda: self.value(self._locals[name], {}))


class _Busy:
    """Stands where something is being worked out."""


class _Lazy:
    """Things by name, worked out when they are asked for."""

    def __init__(self, names: Iterable[str], what: str, make: Callable[[str], Any]) -> None:
        self._names, self._what, self._make = set(names), what, make

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise Wrong(f"{self._what}.{name} is referred to and is not there")
        return self._make(name)
