"""Google's REST APIs, read only, as whoever is logged in: application default credentials.

Owns the addresses of the APIs and the token, which goes to Google's hosts and to this machine only.
Refuses other hosts. Makes no call that changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infra.doctor.calls import LOOPBACK, Answer, Unreached, call

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# The service endpoint of each API, as its REST reference names it.
ENDPOINTS = {
    "cloudfunctions": "https://cloudfunctions.googleapis.com",
    "cloudscheduler": "https://cloudscheduler.googleapis.com",
    "iam": "https://iam.googleapis.com",
    "logging": "https://logging.googleapis.com",
    "run": "https://run.googleapis.com",
    "secretmanager": "https://secretmanager.googleapis.com",
    "storage": "https://storage.googleapis.com",
}
LOGIN = "gcloud auth login --update-adc"
OK, FORBIDDEN, NOT_FOUND = 200, 403, 404


class NoCredentials(Exception):
    """Nobody is logged in, or the login has ended; the message says which, the remedy is LOGIN."""


@dataclass(frozen=True)
class Login:
    """Who asks.

    Attributes:
        token: an access token.
        quota_project: whose quota counts, where the credentials name one.
    """

    token: str = field(repr=False)
    quota_project: str | None


@dataclass
class Google:
    """One person's view of one project.

    Attributes:
        project: the id of the project.
        login: whose view.
        endpoints: API to address.
        last: the last answer of any of them, for its date.
    """

    project: str
    login: Login
    endpoints: Mapping[str, str]
    last: Answer | None = None

    def ask(
        self, api: str, path: str, *, method: str = "GET", body: Mapping[str, Any] | None = None
    ) -> Answer | Unreached:
        """One call.

        Args:
            api: of ENDPOINTS.
            path: from the slash on, with its query.
            method: POST where the API reads by POST.
            body: of a POST.
        """
        headers = {"Authorization": f"Bearer {self.login.token}"}
        if self.login.quota_project:
            headers["X-Goog-User-Project"] = self.login.quota_project
        answer = call(method, self.endpoints[api] + path, headers=headers, body=body)
        if isinstance(answer, Answer):
            self.last = answer
        return answer


@dataclass(frozen=True)
class Names:
    """What infra/terraform calls its parts.

    Attributes:
        project: the id of the project.
        name: the first word of every name.
        region: where everything runs.
    """

    project: str
    name: str
    region: str

    @property
    def bucket(self) -> str:
        """The films' bucket, unless it was named otherwise."""
        return f"{self.project}-{self.name}"

    @property
    def deploy(self) -> str:
        """The command that makes what is missing."""
        more = f" --var name={self.name}" if self.name != "inbetween" else ""
        return f"infra/dev deploy --project {self.project} --region {self.region}{more}"

    @property
    def where(self) -> str:
        """Options of gcloud for what lies in a region."""
        return f"--project={self.project} --location={self.region}"

    def account(self, role: str) -> str:
        """The e-mail of an identity: `api`, `poll`, `scheduler` or `build`."""
        return f"{self.name}-{role}@{self.project}.iam.gserviceaccount.com"


def login() -> Login:
    """Whoever is logged in.

    Raises:
        NoCredentials: nobody is, or the login has ended.
        ImportError: the packages are missing.
    """
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        credentials, _project = google.auth.default(scopes=[SCOPE])
        credentials.refresh(Request())
    except DefaultCredentialsError:
        raise NoCredentials("nobody is logged in on this machine") from None
    except GoogleAuthError as error:
        # The library's sentence may quote a request; its kind tells enough.
        raise NoCredentials(f"the login is refused or has ended ({type(error).__name__})") from None
    return Login(str(credentials.token), getattr(credentials, "quota_project_id", None))


def endpoints(given: Mapping[str, str]) -> dict[str, str]:
    """All addresses, some of them replaced.

    Args:
        given: API to address.

    Raises:
        ValueError: an unknown API, or a host that may not see a token.
    """
    for api, url in given.items():
        host = urlsplit(url).hostname or ""
        if api not in ENDPOINTS:
            raise ValueError(f"{api!r} is none of {', '.join(ENDPOINTS)}")
        if host not in LOOPBACK and not host.endswith(".googleapis.com"):
            raise ValueError(f"{url}: a token goes to *.googleapis.com and this machine only")
    return {**ENDPOINTS, **given}


def refusal(answer: Answer | Unreached, api: str, project: str) -> tuple[str, str]:
    """What a refused call means, and the command that mends it.

    Args:
        answer: what came back.
        api: whose.
        project: in which.
    """
    if isinstance(answer, Unreached):
        return answer.why, f"curl -v {ENDPOINTS[api]}"
    if "SERVICE_DISABLED" in str(answer.data):  # ErrorInfo.reason (AIP-193)
        found = f"the API {api}.googleapis.com is not enabled"
        return found, f"gcloud services enable {api}.googleapis.com --project={project}"
    if answer.status == FORBIDDEN:
        remedy = (
            f"{LOGIN}, as somebody who has roles/viewer, roles/iam.securityReviewer and "
            f"roles/storage.bucketViewer on {project}"
        )
        return f"you may not see it ({answer.said})", remedy
    return f"HTTP {answer.status}: {answer.said}", LOGIN
