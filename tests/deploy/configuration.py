"""infra/terraform as python-hcl2 reads it: blocks, arguments and expressions, with nothing worked out.

An expression is a text in `${…}`, spaced as python-hcl2 spaces it; a plain text stands for itself. A
dynamic block is put among the others of its kind, with what it goes over as `for_each`. Refuses a file
that cannot be read, a name that is there twice, and a reference to what is not there.
"""

import re
from graphlib import CycleError, TopologicalSorter

import hcl2
from lark.exceptions import LarkError

PLAIN = hcl2.SerializationOptions(
    with_comments=False, explicit_blocks=False, strip_string_quotes=True
)
REFERENCE = re.compile(r"\b(var|local|google_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?")


class UnreadableError(Exception):
    """The files cannot be read; the message says what and where."""


def read(path):
    """One file as python-hcl2 gives it."""
    try:
        return hcl2.loads(path.read_text("utf-8"), serialization_options=PLAIN)
    except LarkError as error:
        raise UnreadableError(f"{path.name}: {error}") from None


def expression(text):
    """An expression that stands alone, parsed."""
    return hcl2.loads(f"it = {text}\n", serialization_options=PLAIN)["it"]


class Configuration:
    def __init__(self, folder):
        self.folder = folder
        self.variables, self.locals, self.outputs, self.settings = {}, {}, {}, {}
        self.resources = {}
        for path in sorted(folder.glob("*.tf")):
            for kind, blocks in read(path).items():
                for block in blocks:
                    self._place(path.name, kind, block)

    def _place(self, file, kind, block):
        known = {"variable": self.variables, "output": self.outputs, "locals": self.locals}
        if kind == "resource":
            for of, named in block.items():
                _add(self.resources.setdefault(of, {}), _folded(named), f"{file}: {of}")
        elif kind in known:
            _add(known[kind], block, f"{file}: {kind}")
        else:
            self.settings.setdefault(kind, []).append(block)

    def default(self, name):
        """A variable's default; of a variable without one, None."""
        return self.variables[name].get("default")

    def plain(self, value):
        """What is written where a lone reference to a variable or to a name of ours leads."""
        while isinstance(value, str) and (name := re.fullmatch(r"\$\{(var|local)\.(\w+)\}", value)):
            value = self.default(name[2]) if name[1] == "var" else self.locals[name[2]]
        return value

    def written(self, text):
        """A text with what is written for the variables and names of ours that stand in it."""
        name = re.compile(r"\$\{(?:var|local)\.\w+\}")
        while texts := {one: self.plain(one) for one in name.findall(text)}:
            for one, value in texts.items():
                text = text.replace(one, str(value))
        return text

    def texts(self):
        """Every text with an expression in it, and the address of the block that it stands in."""
        kinds = {"var": self.variables, "local": self.locals, "output": self.outputs}
        for kind, named in (kinds | self.resources | {"settings": self.settings}).items():
            for name, value in named.items():
                yield from ((f"{kind}.{name}", text) for text in _texts(value))

    def lost(self, attributes):
        """References to what is not there, or that go in a circle.

        Args:
            attributes: of every type of resource, what may be asked of it.
        """
        named = self.resources | {"var": self.variables, "local": self.locals}
        arrows = {}
        for where, text in self.texts():
            for kind, name, attribute in REFERENCE.findall(text):
                if name not in named.get(kind, {}):
                    yield f"{where}: {kind}.{name} is not there"
                elif kind in attributes and attribute not in {"", *attributes[kind]}:
                    yield f"{where}: {kind} has no {attribute} that we know"
                if not where.startswith("var."):  # a variable's rule names the variable
                    arrows.setdefault(where, set()).add(f"{kind}.{name}")
        try:
            TopologicalSorter(arrows).prepare()
        except CycleError as circle:
            yield f"in a circle: {' → '.join(circle.args[1])}"


def _add(into, new, where):
    for name, value in new.items():
        if name in into:
            raise UnreadableError(f"{where}: {name} is there already")
        into[name] = value


def _folded(block):
    """The same with its dynamic blocks in their place."""
    if isinstance(block, list):
        return [_folded(one) for one in block]
    if not isinstance(block, dict):
        return block
    found = {name: _folded(value) for name, value in block.items() if name != "dynamic"}
    for dynamic in block.get("dynamic", []):
        for kind, one in dynamic.items():
            (content,) = one["content"]
            made = {**_folded(content), "for_each": one["for_each"]}
            found.setdefault(kind, []).append(made)
    return found


def _texts(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str) and "${" in value:
        yield value
