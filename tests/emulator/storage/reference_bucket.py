"""What a bucket is, in sixty lines: what the stateful test compares with."""


class RefusedByReference(Exception):
    def __init__(self, status):
        super().__init__(status)
        self.status = status


class ReferenceBucket:
    def __init__(self):
        self.objects = {}
        self.generations = 0

    def _check(self, name, conditions, *, reading=False):
        live = self.objects.get(name)
        actual = {"generation": live["generation"] if live else 0}
        actual["metageneration"] = live["metageneration"] if live else None
        for key, wanted in sorted(conditions.items(), key=lambda item: "not" in item[0]):
            field, negated = key.split("_")[1], "_not_" in key
            if actual[field] is None or (actual[field] == wanted) is negated:
                raise RefusedByReference(304 if negated and reading and live else 412)

    def _live(self, name):
        if name not in self.objects:
            raise RefusedByReference(404)
        return self.objects[name]

    def put(self, name, data, metadata, conditions):
        self._check(name, conditions)
        self.generations += 1
        new = {"data": data, "metadata": dict(metadata), "metageneration": 1}
        self.objects[name] = new | {"generation": self.generations}

    def get(self, name, conditions):
        live = self._live(name)
        self._check(name, conditions, reading=True)
        return live

    def patch(self, name, changes, conditions):
        live = self._live(name)
        self._check(name, conditions)
        merged = {} if changes is None else {**live["metadata"], **changes}
        live["metadata"] = {key: value for key, value in merged.items() if value is not None}
        live["metageneration"] += 1

    def delete(self, name, conditions):
        self._live(name)
        self._check(name, conditions)
        del self.objects[name]

    def list(self, prefix, delimiter):
        names, prefixes = [], set()
        for name in sorted(self.objects, key=str.encode):
            if name.startswith(prefix):
                head, found, _ = name[len(prefix) :].partition(delimiter or "\0")
                prefixes.add(prefix + head + found) if found else names.append(name)
        return names, sorted(prefixes, key=str.encode)
