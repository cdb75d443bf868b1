"""Runs tests against mutants: everything is imported and collected once, then one fork per mutant.

A plugin of pytest takes over where the tests would run. For a change in a function the fork gets
new code for that function; for a change outside of functions it imports everything of ours again.
Own and not mutmut, cosmic-ray or mutatest: mutmut 3 leaves constants and defaults of classes alone,
where the protocol's times stand; the others start an interpreter for every mutant (two seconds here
before the first test); none of them swaps calls, or keeps a list of survivors with reasons.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib.machinery
import importlib.util
import io
import json
import re
import signal
import sys
import types
from dataclasses import dataclass
from itertools import zip_longest

import pytest

from tests.mutation.forks import side_by_side
from tests.mutation.operators import MARK, functions, marked, mutated
from tests.mutation.plan import MODULE

KEPT = ("tests.mutation.running", "tests.conftest")  # this one, and films that are made already
CHUNK = 12  # mutants of one function that come one after the other
OPTIONS = ("-q", "-s", "-o", "addopts=", "--import-mode=importlib", "--tb=no", "--timeout=0")
OPTIONS += ("-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--no-summary")


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Attributes:
        mutant: which.
        by: the test that noticed, or how the process ended; empty when nobody did.
        asked: how many tests were asked.
    """

    mutant: object
    by: str
    asked: int


def run(plan, wanted, *, jobs, whole, tell):
    """Try mutants; returns what became of each, and the tests that fail without any.

    Args:
        plan: what there is.
        wanted: the mutants.
        jobs: how many processes.
        whole: find out first which test runs which line; worth it for more than a few mutants.
        tell: called with each result.

    Raises:
        RuntimeError: all tests fail without any mutant, or some cannot be collected.
    """
    server = Server(plan, wanted, jobs=jobs, whole=whole, tell=tell)
    ignored = [f"--deselect={name}" for name in plan.ignored]
    pytest.main([*OPTIONS, *ignored, *plan.tests], plugins=[server])
    if server.broken or len(server.results) != len(wanted):
        raise RuntimeError(f"no use without sound tests: {server.broken or 'none is left'}")
    return server.results, server.unsound


def _calm_hypothesis():
    """The same examples for every mutant, no clock, nothing kept, and no search for a smaller one."""
    with contextlib.suppress(ImportError):
        from hypothesis import Phase, settings  # a project may do without

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile(
            "mutants", derandomize=True, deadline=None, database=None, phases=phases
        )
        settings.load_profile("mutants")


class Listener:
    """The plugin of a run: says which test begins, and remembers the first that failed."""

    def __init__(self, processor_s, say=lambda _line: None):
        self.say, self.failed, self._processor_s = say, "", processor_s

    def pytest_runtest_logstart(self, nodeid):
        """A test begins; by default the signal of this clock ends the process."""
        self.say(nodeid)
        signal.setitimer(signal.ITIMER_PROF, self._processor_s)

    def pytest_runtest_logreport(self, report):
        """A part of a test is over."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


class Ordered(Listener):
    """The plugin of a run that begins with imports: these tests, in this order."""

    def __init__(self, nodeids, processor_s, say):
        super().__init__(processor_s, say)
        self._place = {nodeid: number for number, nodeid in enumerate(nodeids)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        """Sort and drop."""
        items[:] = [item for item in items if item.nodeid in self._place]
        items.sort(key=lambda item: self._place[item.nodeid])


class Server(Listener):
    """The plugin that has everything collected, and lends itself to forks."""

    def __init__(self, plan, wanted, *, jobs, whole, tell):
        super().__init__(plan.processor_s)
        self._plan, self._wanted, self._jobs, self._tell = plan, wanted, jobs, tell
        self._whole, self._items = whole, []
        self._targets = {target.file: target for target in plan.targets}
        self._sources = {name: (plan.root / name).read_text("utf-8") for name in self._targets}
        self._judges, self.unsound = [], []  # numbers of tests; names of those that fail anyway
        self._lines = {}  # number of a test to the lines that it runs, as (file, line)
        self._noticed = {}  # (file, function) to the tests that noticed something there
        self.results, self.broken = [], ""

    def pytest_configure(self):
        """Before tests are collected, and after pytest has met its plugins."""
        _calm_hypothesis()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Instead of running the tests once."""
        self._items = session.items
        if session.testsfailed or not session.items:
            self.broken = f"{session.testsfailed} files of tests cannot be collected"
            return True
        self._judges = list(range(len(self._items)))
        self._warm()
        self.broken = self.failed
        if not self.broken and (not self._whole or self._map()):
            for ended in side_by_side(self._rows(), self._jobs, self._try):
                self._keep(ended)
        return True

    def _warm(self):
        with contextlib.redirect_stdout(io.StringIO()):
            for number, item in enumerate(self._items):
                if item.nodeid == self._plan.warming:
                    self._ask(number, None)
        signal.setitimer(signal.ITIMER_PROF, 0)  # forks have clocks of their own
        gc.freeze()

    # Which test runs which line

    def _map(self):
        """Run the tests once without a mutant, in both ways that mutants are tried."""
        for ended in side_by_side(self._files(), self._jobs, self._trace):
            for line in ended.said:
                if line.startswith("{"):
                    found = json.loads(line)
                    lines = [(file, line) for file, hit in found["hit"].items() for line in hit]
                    self._lines[found["test"]] = frozenset(lines)
                    if found["failed"]:
                        self.unsound.append(found["failed"])
            if ended.ending or ended.said[-1].startswith("!"):
                self.broken = f"{ended.said[-1]} without a mutant: {ended.ending}"
        # Whoever fails anyway is no judge of mutants.
        sound = [item.nodeid not in self.unsound for item in self._items]
        self._judges = [number for number, holds in enumerate(sound) if holds]
        file = next(iter(self._targets))
        tree = ast.parse(self._sources[file])

        def play(judges, say):
            say(f"={self._afresh(file, tree, judges, say)}")

        for ended in (
            [] if self.broken else side_by_side(self._files(2 * self._jobs), self._jobs, play)
        ):
            if ended.ending or ended.said[-1] != "=":
                self.broken = f"{ended.said[-1]} fails after an import {ended.ending}"
        return bool(self._judges) and not self.broken

    def _files(self, at_most=1000):
        """The judges, file by file, as rows of one task each; in so many rows at most."""
        files = {}
        for number in self._judges:
            files.setdefault(self._items[number].nodeid.partition("::")[0], []).append(number)
        rows = [[] for _ in range(min(at_most, len(files)))]
        for place, numbers in enumerate(files.values()):
            rows[place % len(rows)] += numbers
        return [[numbers] for numbers in rows]

    def _trace(self, numbers, say):
        """In a fork: run tests as they are, and note the lines of the targets that each runs."""
        hit, self.say = {}, say
        for file in self._targets:
            lines = hit[file] = set()
            module, path = _module(file), str(self._plan.root / file)
            tree = marked(self._sources[file])
            if module in sys.modules:
                vars(sys.modules[module])[MARK] = lines.add
                for where in functions(tree):
                    _swap(module, path, tree, where)
        for number in numbers:
            self.failed = ""
            self._ask(number, None)
            lines = {file: sorted(found) for file, found in hit.items()}
            say(json.dumps({"test": number, "failed": self.failed, "hit": lines}))
            for found in hit.values():
                found.clear()

    def _ask(self, number, then):
        item, following = self._items[number], None if then is None else self._items[then]
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    # Mutants

    def _rows(self):
        """Mutants of one function together, so that who noticed the last is asked first."""
        rows, last = [], None
        for mutant in self._wanted:
            if last != (mutant.file, mutant.where) or len(rows[-1]) == CHUNK:
                rows.append([])
            last = mutant.file, mutant.where
            rows[-1].append(mutant)
        return rows

    def _keep(self, ended):
        mutant, said = ended.task, ended.said
        last = said[-1] if said else ""
        if last.startswith("!"):
            raise RuntimeError(f"{mutant.file} {mutant.change}: {last}")
        by = last[1:].strip() if last.startswith("=") else ""
        if ended.ending:
            by = f"{last}: {ended.ending}"
        asked = sum(not line.startswith("=") for line in said)
        if by and last.startswith("="):
            self._noticed.setdefault((mutant.file, mutant.where), []).insert(0, by)
        result = Result(mutant, by, asked)
        self.results.append(result)
        self._tell(result)

    def _try(self, mutant, say):
        """In a fork: put the mutant in its place and ask the tests, until one notices."""
        self.say = say
        order = self._order(mutant)
        if not order:
            say("=")
            return
        values = self._targets[mutant.file].values
        tree = mutated(self._sources[mutant.file], mutant, values)
        path = str(self._plan.root / mutant.file)
        if not (mutant.in_function and _swap(_module(mutant.file), path, tree, mutant.where)):
            say(f"={self._afresh(mutant.file, tree, order, say)}")
            return
        for number, then in zip_longest(order, order[1:]):
            self._ask(number, then)
            if self.failed:
                break
        say(f"={self.failed}")

    def _afresh(self, file, tree, order, say):
        """Import everything of ours again, a file from this tree; returns who noticed."""
        for name in list(sys.modules):
            ours = name.partition(".")[0] in self._plan.packages
            if ours and not name.startswith(KEPT):
                del sys.modules[name]
        sys.meta_path.insert(0, _Instead(_module(file), str(self._plan.root / file), tree))
        nodeids = [self._items[number].nodeid for number in order]
        files = dict.fromkeys(nodeid.partition("::")[0] for nodeid in nodeids)
        listener = Ordered(nodeids, self._processor_s, say)
        status = pytest.main([*OPTIONS, "-x", *files], plugins=[listener])
        if status in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            return ""
        return listener.failed or "it cannot be imported"

    def _order(self, mutant):
        """The tests that can notice, those first that most likely do."""
        target = self._targets[mutant.file]
        nearest = target.nearest
        if not mutant.in_function:
            nearest = (*self._plan.constants, *nearest)
        first = (*nearest, *target.first)
        before = self._noticed.get((mutant.file, mutant.where), [])

        def rank(number):
            nodeid = self._items[number].nodeid
            known = [nodeid.startswith(beginning) for beginning in first]
            place = known.index(True) if True in known else len(known)
            noticed = before.index(nodeid) if nodeid in before else len(before)
            return noticed, place, len(self._lines.get(number, ())), number

        # Without the lines nobody knows who is close: then all are asked, in the table's order.
        at_most = self._plan.asked_at_most if self._whole else len(self._items)
        closest, last, chosen = [], [], set()
        for number in sorted(self._able(mutant, first), key=rank):
            nodeid = self._items[number].nodeid
            if self._plan.last and nodeid.startswith(self._plan.last):
                last.append(number)
            elif nodeid.startswith(nearest):
                closest.append(number)
            elif len(chosen | {nodeid.partition("[")[0]}) <= at_most:
                chosen.add(nodeid.partition("[")[0])
                closest.append(number)
        return closest + last

    def _able(self, mutant, first):
        """The tests that run the mutant's lines, or lines that mention what it defines."""
        spared = tuple(name for name in self._plan.named if not name.startswith(first))
        names = [(number, self._items[number].nodeid) for number in self._judges]
        numbers = [number for number, nodeid in names if not nodeid.startswith(spared)]
        if not self._whole or mutant.names == (MODULE,):
            return numbers
        low, high = mutant.lines
        lines = {(mutant.file, line) for line in range(low, high + 1)}
        if not mutant.in_function:
            word = re.compile(rf"\b({'|'.join(mutant.names)})\b")
            lines = {
                (file, number)
                for file, source in self._sources.items()
                for number, line in enumerate(source.splitlines(), 1)
                if word.search(line)
            }
            told = {n for n in numbers if word.search(self._items[n].path.read_text("utf-8"))}
            named = (*self._plan.constants, *first[:1])
            told |= {n for n in numbers if self._items[n].nodeid.startswith(named)}
            return sorted(told | {n for n in numbers if self._lines[n] & lines})
        return [number for number in numbers if self._lines[number] & lines]


def _module(file):
    return file.removesuffix(".py").replace("/", ".")


def _swap(module, path, tree, where):
    """Give a live function its new code; False where that cannot be done in place."""
    thing = sys.modules.get(module)
    for name in where.split("."):
        thing = vars(thing).get(name) if thing else None
    for wrapping in ("fget", "func", "__func__", "__wrapped__"):
        thing = getattr(thing, wrapping, thing)
    todo = [compile(tree, path, "exec", dont_inherit=True)]
    while todo:
        code = todo.pop()
        if code.co_qualname == where:
            break
        todo += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    else:
        return False
    if not isinstance(thing, types.FunctionType) or thing.__code__.co_freevars != code.co_freevars:
        return False
    thing.__code__ = code
    return True


class _Instead(importlib.machinery.SourceFileLoader):
    """Finds and loads one module: from a tree, not from its file."""

    def __init__(self, name, path, tree):
        super().__init__(name, path)
        self._tree = tree

    def find_spec(self, name, _path=None, _target=None):
        """This module, and no other."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, _fullname):
        """The mutant's code."""
        return compile(ast.fix_missing_locations(self._tree), self.path, "exec", dont_inherit=True)
