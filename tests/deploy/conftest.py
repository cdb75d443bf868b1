"""Terraform with the google provider, or with its schema alone, where this machine has both."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy import rules

ROOT = rules.ROOT
IGNORED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.auto.tfvars", "backend.tf")
# A command that runs its arguments with a google provider at hand, for machines that reach no registry.
PROVIDER = shlex.split(os.environ.get("TERRAFORM_PROVIDER", ""))


def one_line(text):
    """What Terraform says, without its frames, colours and line breaks."""
    return " ".join(re.sub(r"\x1b\[\d*m|[│╷╵]", "", text).split())


class Terraform:
    """Runs terraform with a provider at hand.

    Args:
        cache: a folder that keeps what is downloaded.
    """

    def __init__(self, cache):
        self.environ = {"TF_PLUGIN_CACHE_DIR": str(cache)}

    def run(self, folder, *words):
        environ = {**os.environ, **self.environ, "TF_DATA_DIR": str(folder / ".terraform")}
        command = [*PROVIDER, "terraform", f"-chdir={folder}", *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    def judge(self, folder):
        """Terraform's whole word on a configuration: its schema, then our tests."""
        self.run(folder, "fmt", "-recursive")  # a fault is to be found for what it is
        for words in (["init", "-input=false", "-backend=false"], ["validate"], ["test"]):
            ran = self.run(folder, *words)
            if ran.returncode:
                break
        return ran

    def install(self, folder):
        """Put it on a PATH, as `terraform`."""
        words = [*PROVIDER, shutil.which("terraform")]
        path = folder / "terraform"
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        path.chmod(0o755)


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "terraform"
    shutil.copytree(rules.TERRAFORM, folder, ignore=IGNORED)
    return folder


@pytest.fixture
def project(tmp_path):
    """A checkout of its own, so that a real run leaves nothing in ours."""
    root = tmp_path / "checkout"
    for name in ("lib", "infra/deploy"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(rules.TERRAFORM, root / "infra/terraform", ignore=IGNORED)
    for name in ("main.py", "requirements.txt", "infra/dev", "infra/requirements.lock"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def machine(tmp_path):
    """A PATH with what infra/dev needs; a test may add terraform."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "env", "dirname", "sh", "tail", "mv"):
        (folder / name).symlink_to(shutil.which(name))
    # As it is without any environment of ours: the standard library has to be enough.
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


@pytest.fixture(scope="session")
def terraform(tmp_path_factory):
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    place = tmp_path_factory.mktemp("terraform")
    (place / "cache").mkdir()
    found = Terraform(place / "cache")
    (place / "versions").mkdir()
    shutil.copy(rules.TERRAFORM / "versions.tf", place / "versions")
    (place / "versions/variables.tf").write_text('variable "project" {}\nvariable "region" {}\n')
    ran = found.run(Path(place / "versions"), "init", "-input=false")
    if ran.returncode:
        pytest.skip(f"terraform has no google provider here: {one_line(ran.stderr)[:200]}")
    return found
