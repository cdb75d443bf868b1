"""The pipeline of infra/docs/delivery.md is one that could run, and the lines of gcloud on the pages are gcloud's.

What is checked: YAML, order, rights, pins, commands and options of ours, and by gcloud itself, where it is
installed, its own (`gcloud meta lint-gcloud-commands`, without an account).
"""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

from infra.deploy import destroy
from tests.deploy import rules

ROOT = rules.ROOT
DOCS = ROOT / "infra/docs"
PAGES = ("deploy.md", "operate.md", "delivery.md")
PIN = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
MODULES = {"deploy": "infra.deploy", "destroy": "infra.deploy.destroy"}
MODULES |= {"submit": "lib.cli", "keys": "lib.cli.keys"}


def blocks(page, *kinds):
    text = (DOCS / page).read_text("utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [body for kind, body in found if kind in kinds]


def workflow():
    (text,) = blocks("delivery.md", "yaml")
    return text


def complaints(text):
    """What would keep the workflow from doing what it says, as sentences."""
    flow = yaml.safe_load(text)
    jobs = flow["jobs"]
    # YAML 1.1 reads the word `on` as true.
    if "push" not in flow.get(True, {}) or flow["concurrency"]["cancel-in-progress"] is not False:
        yield "it is not begun by a push, or one deployment cuts another"
    if flow["permissions"] != {"contents": "read", "id-token": "write"}:
        yield f"it may {flow['permissions']}"
    if [jobs[name].get("needs") for name in jobs] != [None, *list(jobs)[:-1]]:
        yield "a job does not wait for the one before"
    if "environment" not in jobs["apply"]:
        yield "nobody agrees to a deployment"
    for name, job in jobs.items():
        yield from _steps(name, job)
    yield from _stages(jobs["apply"]["steps"])
    for line in commands(runs(flow)):
        yield from of_ours(line)


def _steps(name, job):
    if "timeout-minutes" not in job:
        yield f"{name} may run for hours"
    for step in job["steps"]:
        if "uses" in step and not PIN.fullmatch(step["uses"]):
            yield f"{step['uses']} is not pinned by its commit"
        if "secrets." in step.get("run", ""):
            yield f"{name}: a secret stands in a command line of the workflow"


def _stages(steps):
    run = [step.get("run", "") for step in steps]
    wanted = (
        *(
            '--to-revisions="$BEFORE=100"',
            "--var api_takes_traffic=false --yes",
            "--set-tags=new=LATEST",
        ),
        *("infra/dev submit", '--to-revisions="$NEW=10', "--to-latest"),
    )
    places = [next((n for n, text in enumerate(run) if one in text), -1) for one in wanted]
    if -1 in places or places != sorted(places):
        yield f"the steps of a delivery come at {places}"
    back = steps[-1]
    if "failure()" not in str(back.get("if")) or "$BEFORE=100" not in back["run"]:
        yield "a failure does not go back"


def runs(flow):
    return [step["run"] for job in flow["jobs"].values() for step in job["steps"] if "run" in step]


def commands(texts):
    """The lines that call infra/dev or gcloud, each as one, without what a shell does with them."""
    for text in texts:
        joined = re.sub(r"\s*\\\n\s*", " ", text)
        for line in joined.splitlines():
            for found in re.finditer(r"(?:^|[\s(])((?:infra/dev|gcloud) \S)", line):
                yield shlex.join(_words(line[found.start(1) :]))


def _words(line):
    """The words up to what the shell reads itself: a pipe, a redirection, an end."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if re.fullmatch(r"[|&;<>()]+", word):
            break
        words.append(word)
    return words


def of_ours(line):
    """What infra/dev has against a line: an unknown command, an option that it does not know."""
    if not line.startswith("infra/dev "):
        return
    words = shlex.split(line)
    if not re.search(
        rf"^  (\w+ \| )*{words[1]}( \| \w+)*\)", (ROOT / "infra/dev").read_text(), re.MULTILINE
    ):
        yield f"infra/dev knows no {words[1]}"
    elif words[1] in MODULES:
        asked = [words[1]] if words[1] == "submit" else words[2:3] if words[1] == "keys" else []
        known = helped(MODULES[words[1]], *asked)
        for option in re.findall(r"(?<=\s)--[\w-]+", line):
            if option not in known:
                yield f"infra/dev {words[1]} knows no {option}"


def helped(module, *words):
    command = [sys.executable, "-m", module, *words, "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_workflow_could_run():
    assert list(complaints(workflow())) == []


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("@08c6903cd8c0fde910a37f88322edcfb5dd907a8", "@v5", "is not pinned by its commit"),
        ("  id-token: write", "  id-token: read", "it may {"),
        ("infra/dev test", "infra/dev tests", "infra/dev knows no tests"),
        (" --yes", " --sure", "infra/dev deploy knows no --sure"),
        ("    needs: plan\n", "    needs: test\n", "does not wait for the one before"),
        ("    environment: production", "    name: production", "nobody agrees"),
        ("    timeout-minutes: 90\n", "", "apply may run for hours"),
        ('--key "$SMOKE_KEY"', "--key ${{ secrets.SMOKE_KEY }}", "a secret stands in a command line"),
        ("failure()", "success()", "a failure does not go back"),
        ("--set-tags=new=LATEST", "--to-latest", "the steps of a delivery"),
        ("cancel-in-progress: false", "cancel-in-progress: true", "one deployment cuts another"),
    ],
)  # fmt: skip
def test_a_workflow_that_could_not_is_told(before, after, sentence):
    assert before in workflow()
    assert sentence in " ".join(complaints(workflow().replace(before, after)))


@pytest.mark.parametrize("text", runs(yaml.safe_load(workflow())), ids=lambda text: text[:30])
def test_each_step_is_a_shells(text):
    # GitHub puts its own expressions in before a shell sees the line.
    plain = re.sub(r"\$\{\{.*?\}\}", "x", text)
    assert subprocess.run(["bash", "-n"], input=plain, text=True).returncode == 0


@pytest.mark.parametrize("page", PAGES)
def test_each_line_of_infra_dev_on_a_page_is_one(page):
    lines = list(commands(blocks(page, "sh")))
    assert [sentence for line in lines for sentence in of_ours(line)] == []


def of_google(line):
    """What gcloud says only when it runs, and its own check of a line does not."""
    bulk = re.findall(r"--(?:allow-overwrite|deleted-(?:after|before)-time)", line)
    if line.startswith("gcloud storage restore ") and bulk and "--async" not in line:
        yield f"{bulk[0]} is refused without --async"


def lacking(pages, flow):
    """What the workflow does and nobody allowed on the pages, as sentences."""
    text = "\n".join(pages)
    if "gcloud logging read" in flow and "logging.viewer" not in text:
        yield "nobody lets the pipeline read the log"
    if "workload_identity_provider" in flow and "enable sts.googleapis.com" not in text:
        yield "the service that takes GitHub's tokens is off"
    for service in ("cloudresourcemanager", "iam", "iamcredentials", "serviceusage"):
        if not re.search(rf"gcloud services enable [^-]*\b{service}\.googleapis\.com", text):
            yield f"a deployer's calls need {service}.googleapis.com, which nobody switched on"


def set_up():
    return [body for page in ("deploy.md", "delivery.md") for body in blocks(page, "sh")]


def test_what_the_pipeline_does_it_may_do():
    assert list(lacking(set_up(), workflow())) == []


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ("logging.viewer", "nobody lets the pipeline read the log"),
        ("sts.googleapis.com", "the service that takes GitHub's tokens is off"),
        ("iamcredentials.googleapis.com", "need iamcredentials.googleapis.com"),
    ],
)
def test_what_nobody_allowed_is_told(gone, sentence):
    assert any(gone in body for body in set_up())
    assert sentence in " ".join(lacking([body.replace(gone, "") for body in set_up()], workflow()))


def test_each_line_of_gcloud_would_run():
    assert [sentence for line in gcloud_lines() for sentence in of_google(line)] == []
    planted = "gcloud storage restore 'gs://b/jobs/**' --deleted-after-time=2026-11-25T10:00:00Z"
    assert list(of_google(planted)) == ["--deleted-after-time is refused without --async"]


@pytest.mark.parametrize("page", PAGES)
def test_each_piece_of_terraform_on_a_page_is_one(page, tmp_path):
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    for number, body in enumerate(blocks(page, "hcl")):
        (tmp_path / f"{number}.tf").write_text(body)
    ran = subprocess.run(
        ["terraform", "fmt", "-check", "-diff"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def gcloud_lines():
    for page in PAGES:
        yield from commands(blocks(page, "sh"))
    yield from commands(runs(yaml.safe_load(workflow())))
    yield from commands([destroy.STAYS.format(state="", forget="", project="p", name="n")])
    outputs = rules.configuration().outputs
    yield outputs["budget_to_make"]["value"].replace(
        '${coalesce(var.billing_account, "BILLING_ACCOUNT")}', "0123AB-4567CD-89EF01"
    )
    yield "gcloud auth login --update-adc"


@pytest.mark.long  # three seconds a line
def test_each_line_of_gcloud_is_one():
    if not shutil.which("gcloud"):
        pytest.skip("gcloud is not installed")
    lines = sorted({line for line in gcloud_lines() if line.startswith("gcloud ")})
    assert len(lines) > 20
    refused = {}
    for line in lines:
        # gcloud sees what a shell would have made of the line.
        words = [re.sub(r"\$\{?[\w.]+\}?|#\w+", "x", word) for word in shlex.split(line)]
        asked = ["gcloud", "meta", "lint-gcloud-commands", f"--command-string={shlex.join(words)}"]
        ran = subprocess.run(asked, capture_output=True, text=True)
        (said,) = json.loads(ran.stdout)
        if not said["success"]:
            refused[line] = said["error_message"]
    assert refused == {}
