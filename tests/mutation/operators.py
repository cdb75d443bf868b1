"""Mutants of a module, made from its syntax tree: each is one change, and says what it is.

Refuses to touch what cannot matter to the protocol: texts, types, docstrings, what is logged. A
mutant is named by function, operator and text of the change, never by line, so that its name
outlives other people's edits.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from typing import Any

from tests.mutation.plan import MODULE

SHOWN_AT_MOST = 90  # characters of either side in a mutant's name
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SUMS = {ast.Add: ast.Sub, ast.Sub: ast.Add}
MARK = "__mark__"
CONDITIONS = {"if_generation_match", "if_metageneration_match", "generation", "metageneration"}
CLOCKS = {"now", "_now"}
# What a statement may call without its place mattering: builtins, readers of values.
PURE = {"len", "min", "max", "str", "int", "float", "bool", "repr", "tuple", "list", "dict", "set"}
PURE |= {"frozenset", "sorted", "isinstance", "any", "all", "next", "replace", "removeprefix"}
PURE |= {"removesuffix", "startswith", "partition", "rpartition", "strip", "split", "get", "pop"}
PURE |= {"append", "to", "token", "of", "items", "values", "keys", "join", "total_seconds"}
PURE |= {"fullmatch", "is_integer", "timestamp", "bit_length", "isfinite", "fromisoformat"}
UNTOUCHED = {"annotation", "returns", "decorator_list", "type_comment", "type_params", "bases"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        file: from the project's root.
        where: the outermost function (`Class.method`), the class, or MODULE.
        operator: what kind of change.
        text: `old→new`.
        number: which of the equal changes of this function, from 1.
        lines: first and last line of the statement that it stands in.
        names: what that statement defines, outside of functions.
        order: the how manieth change of its file.
    """

    file: str
    where: str
    operator: str
    text: str
    number: int
    lines: tuple[int, int]
    names: tuple[str, ...]
    order: int

    @property
    def change(self) -> str:
        """Its name within the file."""
        return f"{self.where}:{self.operator}:{self.text}#{self.number}"

    @property
    def in_function(self) -> bool:
        """Whether it stands in a function, rather than in what runs once at import."""
        return not self.names and self.where != MODULE


@dataclass(frozen=True)
class Slot:
    """Where in the tree a change is made: a field of a node, and what it is to hold."""

    node: ast.AST
    field: str
    new: Any


def mutants(file, source, names=(), values=None):
    """Every mutant of a file, in the order of its text.

    Args:
        file: its name.
        source: its text.
        names: functions, classes, constants, MODULE; empty for all.
        values: further values for constants, by name.
    """
    finder = Finder(values or {})
    finder.look(ast.parse(source))
    found, seen = [], {}
    for order, (mutant, _) in enumerate(finder.found):
        where, operator, text, lines, defined = mutant
        if names and not {where, where.partition(".")[0], *defined} & {*names}:
            continue
        number = seen[where, operator, text] = seen.get((where, operator, text), 0) + 1
        found.append(Mutant(file, where, operator, text, number, lines, defined, order))
    return found


def mutated(source, mutant, values=None):
    """The syntax tree with the change in it."""
    tree = ast.parse(source)
    finder = Finder(values or {})
    finder.look(tree)
    slot = finder.found[mutant.order][1]
    setattr(slot.node, slot.field, slot.new)
    return ast.fix_missing_locations(tree)


def functions(tree):
    """The outermost functions of a module, as `name` or `Class.name`."""
    found = []
    for node in tree.body:
        found += [node.name] if isinstance(node, ast.FunctionDef) else []
        for inner in getattr(node, "body", []) if isinstance(node, ast.ClassDef) else []:
            found += [f"{node.name}.{inner.name}"] if isinstance(inner, ast.FunctionDef) else []
    return found


def marked(source):
    """The syntax tree in which every statement of a function first says its line to MARK."""
    tree, done = ast.parse(source), set()
    inside = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    for node in [part for one in inside for part in ast.walk(one)]:
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and (id(node), field) not in done:
                done.add((id(node), field))
                marks = [ast.parse(f"{MARK}({one.lineno})").body[0] for one in body]
                both = zip(marks, body, strict=True)
                setattr(node, field, [one for pair in both for one in pair])
    return ast.fix_missing_locations(tree)


class Finder:
    """Walks a module's tree and notes what can be changed.

    Args:
        values: further values for constants, by name.
    """

    def __init__(self, values):
        self.found = []
        self._values = values
        self._path = []  # from the module down to the node
        self._where, self._lines, self._names, self._returns_none = MODULE, (0, 0), (), False

    def look(self, node):
        """Note the changes of this node, then those of what is in it."""
        if _skipped(node):
            return
        before = self._where, self._lines, self._names, self._returns_none
        if isinstance(node, ast.stmt):
            self._enter(node)
        elif isinstance(node, ast.arguments) and isinstance(self._path[-1], ast.FunctionDef):
            self._names = (self._path[-1].name,)  # defaults: made when the function is
        self._path.append(node)
        own = getattr(self, f"_{type(node).__name__.lower()}", None)
        if own:
            own(node)
        self._statements(node)
        if not _folded(node):
            for name, value in ast.iter_fields(node):
                if name not in UNTOUCHED:
                    for part in value if isinstance(value, list) else [value]:
                        if isinstance(part, ast.AST):
                            self.look(part)
        self._path.pop()
        self._where, self._lines, self._names, self._returns_none = before

    def _enter(self, node):
        functions = [one for one in self._path if isinstance(one, ast.FunctionDef)]
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not functions:
            outer = "" if self._where == MODULE else f"{self._where}."
            self._where = outer + node.name
        if isinstance(node, ast.FunctionDef):
            returns = ast.unparse(node.returns) if node.returns else ""
            self._returns_none = "| None" in returns
        head = [node.lineno, node.end_lineno or node.lineno]
        if body := getattr(node, "body", None):
            head[1] = max(node.lineno, body[0].lineno - 1)
        self._lines = tuple(head)
        self._names = () if functions or isinstance(node, ast.FunctionDef) else _defined(node)

    def _note(self, operator, old, new, slot):
        text = f"{_shown(old)}→{_shown(new)}"
        self.found.append(((self._where, operator, text, self._lines, self._names), slot))

    def _replace(self, operator, node, new):
        """Put another expression in the place of this one."""
        owner = self._path[-2]
        slot = _slot(owner, node, ast.copy_location(new, node))
        self._note(operator, *self._around(slot, node), slot)

    def _around(self, slot, node):
        """The text before and after, with as much of what is around it as helps the reader."""
        for outer in reversed(self._path[:-1]):
            if not isinstance(outer, ast.expr | ast.keyword | ast.Assign | ast.AnnAssign):
                break
            if len(ast.unparse(outer)) > SHOWN_AT_MOST // 2:
                break
            node = outer
        old = ast.unparse(node)
        if node is slot.node or any(one is slot.node for one in ast.walk(node)):
            kept = getattr(slot.node, slot.field)
            setattr(slot.node, slot.field, slot.new)
            new = ast.unparse(ast.fix_missing_locations(node))
            setattr(slot.node, slot.field, kept)
            return old, new
        changed = slot.new
        if isinstance(changed, list):
            (changed,) = [one for one in changed if one not in getattr(slot.node, slot.field)]
        return old, ast.unparse(changed)

    # Numbers and other constants

    def _constant(self, node):
        if isinstance(node.value, bool):
            self._replace("bool", node, ast.Constant(not node.value))
        else:
            self._numbers(node)

    def _binop(self, node):
        self._numbers(node)
        other = SUMS.get(type(node.op))
        if other and not _folded(node):
            slot = Slot(node, "op", other())
            self._note("sum", *self._around(slot, node), slot)

    def _numbers(self, node):
        value, outer = _folded(node), self._path[-2]
        if value is None or isinstance(outer, ast.FormattedValue | ast.JoinedStr):
            return
        if value == 0 and isinstance(outer, ast.Call) and ".get(" in ast.unparse(outer):
            return  # a time that is not there lies in 1970, a second more or less
        name = self._name_of()
        for other in _others(value, time=name.lower().endswith("_s"), more=self._values.get(name)):
            self._replace("number", node, ast.Constant(other))

    def _name_of(self):
        """What the number is called: by a keyword, or by what it is assigned to."""
        for outer in reversed(self._path[:-1]):
            if isinstance(outer, ast.keyword):
                return outer.arg or ""
            if isinstance(outer, ast.Assign | ast.AnnAssign):
                target = outer.targets[0] if isinstance(outer, ast.Assign) else outer.target
                return getattr(target, "id", "")
            if isinstance(outer, ast.stmt):
                break
        return ""

    def _set(self, node):
        for number in range(len(node.elts)):
            left = node.elts[:number] + node.elts[number + 1 :]
            new = ast.Set(left) if left else ast.Call(ast.Name("set", ast.Load()), [], [])
            self._replace("element", node, new)

    def _tuple(self, node):
        named = all(isinstance(one, ast.Attribute) for one in node.elts)
        read = isinstance(node.ctx, ast.Load)  # what is assigned to has no fewer elements
        if named and read and len(node.elts) > 1 and isinstance(self._path[-2], ast.Assign):
            for number in range(len(node.elts)):
                left = node.elts[:number] + node.elts[number + 1 :]
                self._replace("element", node, ast.Tuple(left, ast.Load()))

    # Comparisons and booleans

    def _compare(self, node):
        for number, op in enumerate(node.ops):
            ops = [*node.ops]
            ops[number] = COMPARISONS[type(op)]()
            slot = Slot(node, "ops", ops)
            self._note("compare", *self._around(slot, node), slot)

    def _boolop(self, node):
        slot = Slot(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        self._note("and/or", *self._around(slot, node), slot)
        for number in range(len(node.values)):
            left = node.values[:number] + node.values[number + 1 :]
            self._replace("operand", node, left[0] if len(left) == 1 else ast.BoolOp(node.op, left))

    def _unaryop(self, node):
        if isinstance(node.op, ast.Not):
            self._replace("not", node, node.operand)

    def _condition(self, owner, field, index=None):
        test = getattr(owner, field) if index is None else getattr(owner, field)[index]
        for word in (True, False):
            if isinstance(test, ast.Constant):
                return
            new = ast.copy_location(ast.Constant(word), test)
            if index is not None:
                new = [*getattr(owner, field)[:index], new, *getattr(owner, field)[index + 1 :]]
            self._note("condition", ast.unparse(test), str(word), Slot(owner, field, new))

    def _if(self, node):
        self._condition(node, "test")

    _while = _ifexp = _if

    def _comprehension(self, node):
        for index in range(len(node.ifs)):
            self._condition(node, "ifs", index)

    # Statements and what they call

    def _call(self, node):
        for index, keyword in enumerate(node.keywords):
            if keyword.arg in CONDITIONS:
                rest = node.keywords[:index] + node.keywords[index + 1 :]
                self._note("unconditional", ast.unparse(keyword), "", Slot(node, "keywords", rest))
        for index, value in enumerate(node.args):
            if isinstance(value, ast.Attribute) and value.attr in CONDITIONS:
                args = [*node.args]
                args[index] = ast.copy_location(ast.Constant(None), value)
                self._note("unconditional", ast.unparse(value), "None", Slot(node, "args", args))
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS and not node.args:
            self._replace("clock", node, ast.BinOp(node, ast.Add(), ast.Constant(30.0)))

    def _return(self, node):
        nothing = isinstance(node.value, ast.Constant) and node.value.value is None
        if self._returns_none and node.value and not nothing:
            new = ast.copy_location(ast.Constant(None), node.value)
            self._note("return", ast.unparse(node.value), "None", Slot(node, "value", new))

    def _statements(self, node):
        """Calls that are left out, and neighbours that change places."""
        if not any(isinstance(one, ast.FunctionDef) for one in self._path):
            return
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if not isinstance(body, list):
                continue
            for index, one in enumerate(body):
                if _is_call(one):
                    left = [*body]
                    left[index] = ast.copy_location(ast.Pass(), one)
                    self._in_lines(one, one, "removed", one, None, Slot(node, field, left))
                if index and _can_swap(body[index - 1], one):
                    swapped = [*body]
                    swapped[index - 1 : index + 1] = [one, body[index - 1]]
                    slot = Slot(node, field, swapped)
                    self._in_lines(body[index - 1], one, "swapped", body[index - 1], one, slot)

    def _in_lines(self, first, last, operator, old, new, slot):
        kept, self._lines = self._lines, (first.lineno, last.end_lineno or last.lineno)
        self._note(operator, ast.unparse(old), ast.unparse(new) if new else "", slot)
        self._lines = kept


def _shown(text):
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_AT_MOST else f"{line[: SHOWN_AT_MOST - 1]}…"


def _slot(owner, node, new):
    for field, value in ast.iter_fields(owner):
        if value is node:
            return Slot(owner, field, new)
        if isinstance(value, list) and any(one is node for one in value):
            return Slot(owner, field, [new if one is node else one for one in value])
    raise LookupError(ast.dump(node))


def _skipped(node):
    """Imports for types, docstrings, messages, what is logged: no change there is a mutant."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    call = node.value if isinstance(node, ast.Expr) else node
    return isinstance(call, ast.Call) and ast.unparse(call.func).startswith("logs.")


@functools.cache
def _folded(node):
    """The number that an expression of constants is; None for anything else."""
    if isinstance(node, ast.Constant):
        value = node.value
        return value if type(value) in (int, float) else None
    if isinstance(node, ast.BinOp):
        left, right = _folded(node.left), _folded(node.right)
        if left is not None and right is not None:
            return eval(compile(ast.Expression(node), "", "eval"))
    return None


def _others(value, *, time, more):
    """The numbers that stand in the place of one, none of them twice."""
    found = [value + 1, value - 1, value * 2, type(value)(0)]
    if time:
        found += [value * 1.1, value * 0.9, value + 30]
    found += more or ()
    kept = []
    for one in found:
        if one != value and one not in kept:
            kept.append(one)
    return [round(one, 6) if isinstance(one, float) else one for one in kept]


def _defined(node):
    """The names that a statement outside of functions gives to the rest of the program."""
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    parts = [one for target in targets for one in getattr(target, "elts", [target])]
    names = tuple(one.id for one in parts if isinstance(one, ast.Name))
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        names = (node.name,)
    return names or (MODULE,)


def _effects(node):
    """The calls of a statement whose place matters."""
    calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
    names = {
        one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in calls
    }
    return {name for name in names - PURE if not name[:1].isupper()}


def _is_call(node):
    """A bare call whose absence matters."""
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return called and not _skipped(node) and bool(_effects(node))


def _can_swap(first, second):
    simple = ast.Expr | ast.Assign | ast.AugAssign
    if not isinstance(first, simple) or not isinstance(second, simple):
        return False
    if _skipped(first) or _skipped(second):
        return False
    both = _effects(first), _effects(second)
    if not all(both) or both[0] | both[1] <= CLOCKS:
        return False
    given = {one.id for one in ast.walk(first) if _is_name(one, ast.Store)}
    return not any(_is_name(one, ast.Load) and one.id in given for one in ast.walk(second))


def _is_name(node, kind):
    return isinstance(node, ast.Name) and isinstance(node.ctx, kind)
