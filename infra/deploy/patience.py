"""An apply, and the same once more where Google has not yet learned what was made a moment ago.

Owns the list of errors that say so, with their public sources, and how long is waited. Refuses to
try again after any other error, and never beyond its time. Terraform's own wait (`time_sleep`)
would be a second provider and wait every time; this waits only where it must, and says why.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.deploy import terraform

if TYPE_CHECKING:
    from pathlib import Path

    from infra.deploy.terraform import Order

PATIENCE_S = 900  # a new metric may take ten minutes, a grant seven "or longer"
PAUSE_S = 60


@dataclass(frozen=True)
class Late:
    """An error that ends by itself.

    Attributes:
        says: what Terraform prints, as a pattern over text whose lines are joined.
        why: what Google has not learned yet, in words.
    """

    says: re.Pattern[str]
    why: str


def _late(says: str, why: str) -> Late:
    return Late(re.compile(says, re.IGNORECASE), why)


# hashicorp/terraform-provider-google issue 11102; Service Usage's own words; IAM, "Access change
# propagation"; Cloud Run functions, "Troubleshooting", on builds and service agents;
# GoogleCloudPlatform/terraform-ml-image-annotation-gcf pull request 138; Cloud Run, "Secrets";
# hashicorp/terraform-provider-google issues 20571 and 21857, what a build says that lacks a grant.
LATE = (
    _late(r"cannot find metric", "a new metric may take ten minutes until an alert can name it"),
    _late(
        r"has not been used in project \S+ before or it is disabled",
        "a service was switched on a moment ago",
    ),
    _late(
        r"permission denied on secret: .* for revision service account",
        "the grants of the secrets are not known everywhere",
    ),
    _late(
        r"unable to retrieve the repository metadata|artifactregistry\.repositories\.\w+' denied",
        "the functions service has just made its own account",
    ),
    _late(
        r"build .*(denied|does not have \S+ (access|permission))"
        r"|could not build the function due to (a )?missing permission"
        r"|does not have storage\.objects\.get access"
        r"|access to bucket \S+ denied",
        "the grants of the build are not known everywhere",
    ),
    _late(
        r"service account \S+ does not exist",
        "an identity was made a moment ago",
    ),
)


def reasons(said: str) -> list[str]:
    """Why it may succeed later; empty if any error is of another kind.

    Args:
        said: what Terraform wrote to standard error.
    """
    plain = re.sub(r"\x1b\[[\d;]*m|[│╷╵]", "", said)
    errors = [" ".join(text.split()) for text in re.split(r"\bError: ", plain)[1:]]
    found = [next((late.why for late in LATE if late.says.search(one)), None) for one in errors]
    return list(dict.fromkeys(why for why in found if why)) if all(found) else []


def apply(order: Order, command: list[str], *, data: Path, patience_s: float) -> int:
    """Run an apply until it succeeds, fails for another reason, or patience ends.

    Args:
        order: what is deployed.
        command: the apply.
        data: where Terraform keeps providers.
        patience_s: for how many seconds in all is waited between tries.

    Returns:
        Terraform's exit status of the last try.
    """
    left_s = patience_s
    while True:
        status, said = terraform.run_heard(order, command, data=data)
        late = reasons(said) if status else []
        if not late or left_s <= 0:
            if late:
                sys.stderr.write("infra/dev deploy: this ends by itself; run the same once more.\n")
            return status
        pause_s = min(PAUSE_S, left_s)
        left_s -= pause_s
        sys.stdout.write(
            f"· Google is not ready: {'; '.join(late)}.\n"
            f"· waiting {pause_s:g} s, then the same once more; {left_s:g} s of patience are left\n"
        )
        sys.stdout.flush()
        time.sleep(pause_s)
