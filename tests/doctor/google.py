"""A project as Google's REST APIs show it, healthy: what `infra/terraform` makes, as their references shape it."""

import time
from datetime import UTC, datetime

PROJECT, REGION, NAME = "demo-project", "asia-southeast1", "inbetween"
BUCKET = f"{PROJECT}-{NAME}"
ORIGIN = "https://app.example.com"
WHERE = f"/projects/{PROJECT}/locations/{REGION}"
POLL_URL = f"https://{REGION}-{PROJECT}.cloudfunctions.net/{NAME}-poll"
TOKEN = "ya29.a-token-that-nobody-may-see"

# Where each thing is read.
FUNCTION = {role: ("GET", f"/v2{WHERE}/functions/{NAME}-{role}") for role in ("api", "poll")}
JOB = ("GET", f"/v1{WHERE}/jobs/{NAME}-tick")
INVOKERS = ("GET", f"/v2{WHERE}/services/{NAME}-poll:getIamPolicy")
RIGHTS = ("GET", f"/storage/v1/b/{BUCKET}/iam")
OWN_RIGHTS = ("GET", f"/storage/v1/b/{BUCKET}/iam/testPermissions")
ROLE = ("GET", "/v1/roles/storage.objectUser")
LOG = ("POST", "/v2/entries:list")


def email(role):
    return f"{NAME}-{role}@{PROJECT}.iam.gserviceaccount.com"


def signing(role):
    return ("POST", f"/v1/projects/{PROJECT}/serviceAccounts/{email(role)}:getIamPolicy")


def version(secret, number="latest"):
    return ("GET", f"/v1/projects/{PROJECT}/secrets/{NAME}-{secret}/versions/{number}")


def now(ago_s=0.0):
    return datetime.fromtimestamp(time.time() - ago_s, UTC).isoformat().replace("+00:00", "Z")


def function(role, environment):
    # https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions
    return {
        "name": f"projects/{PROJECT}/locations/{REGION}/functions/{NAME}-{role}",
        "environment": "GEN_2",
        "state": "ACTIVE",
        "url": f"https://{REGION}-{PROJECT}.cloudfunctions.net/{NAME}-{role}",
        "serviceConfig": {
            "uri": f"https://{NAME}-{role}-abcdefghij-as.a.run.app",
            "revision": f"{NAME}-{role}-00003-vex",
            "serviceAccountEmail": email(role),
            "environmentVariables": environment,
            "secretEnvironmentVariables": [
                {
                    "key": "DASHSCOPE_API_KEY",
                    "projectId": PROJECT,
                    "secret": f"{NAME}-upstream",
                    "version": "latest",
                },
                {
                    "key": "OWNER_KEYS",
                    "projectId": PROJECT,
                    "secret": f"{NAME}-owner-keys",
                    "version": "2",
                },
            ],
        },
    }


def healthy():
    """Every answer, by method and path: (status, JSON)."""
    answers = {
        # https://developers.google.com/identity/protocols/oauth2/service-account#httprest
        ("POST", "/token"): {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"},
        FUNCTION["api"]: function("api", {"BUCKET": BUCKET, "ALLOWED_ORIGINS": ORIGIN}),
        FUNCTION["poll"]: function(
            "poll",
            {"BUCKET": BUCKET, "POLL_AUDIENCE": POLL_URL, "POLL_INVOKER": email("scheduler")},
        ),
        # https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs
        JOB: {
            "name": f"projects/{PROJECT}/locations/{REGION}/jobs/{NAME}-tick",
            "schedule": "* * * * *",
            "state": "ENABLED",
            "status": {},
            "lastAttemptTime": "2026-11-25T19:00:00.123456Z",
            "httpTarget": {
                "uri": POLL_URL,
                "httpMethod": "POST",
                "oidcToken": {"serviceAccountEmail": email("scheduler"), "audience": POLL_URL},
            },
        },
        # https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services/getIamPolicy
        INVOKERS: {
            "version": 1,
            "etag": "BwX",
            "bindings": [
                {"role": "roles/run.invoker", "members": [f"serviceAccount:{email('scheduler')}"]}
            ],
        },
        # https://cloud.google.com/storage/docs/json_api/v1/buckets/getIamPolicy
        RIGHTS: {
            "kind": "storage#policy",
            "resourceId": f"projects/_/buckets/{BUCKET}",
            "version": 1,
            "etag": "CAE=",
            "bindings": [
                {
                    "role": "roles/storage.objectUser",
                    "members": [
                        f"serviceAccount:{email('api')}",
                        f"serviceAccount:{email('poll')}",
                    ],
                }
            ],
        },
        # https://cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions
        OWN_RIGHTS: {
            "kind": "storage#testIamPermissionsResponse",
            "permissions": ["storage.objects.get", "storage.objects.list"],
        },
        # https://cloud.google.com/iam/docs/reference/rest/v1/roles/get
        ROLE: {
            "name": "roles/storage.objectUser",
            "title": "Storage Object User",
            "stage": "GA",
            "includedPermissions": [
                "storage.folders.get",
                "storage.multipartUploads.create",
                *(
                    f"storage.objects.{verb}"
                    for verb in ("create", "delete", "get", "list", "move", "restore", "update")
                ),
            ],
        },
        # https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/get
        version("upstream"): {
            "name": f"projects/123/secrets/{NAME}-upstream/versions/1",
            "state": "ENABLED",
        },
        **{
            version("owner-keys", number): {
                "name": f"projects/123/secrets/{NAME}-owner-keys/versions/2",
                "state": "ENABLED",
            }
            for number in ("2", "latest")
        },
        # https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
        LOG: {
            "entries": [
                {
                    "timestamp": now(30),
                    "insertId": "a",
                    "logName": f"projects/{PROJECT}/logs/run.googleapis.com%2Fstdout",
                    "jsonPayload": {"event": "tick.done"},
                }
            ]
        },
    }
    for role in ("api", "poll"):
        # https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/getIamPolicy
        answers[signing(role)] = {
            "version": 1,
            "etag": "BwY",
            "bindings": [
                {
                    "role": "roles/iam.serviceAccountTokenCreator",
                    "members": [f"serviceAccount:{email(role)}"],
                }
            ],
        }
    return {place: (200, data) for place, data in answers.items()}


def bucket():
    """The films' bucket as `infra/terraform/bucket.tf` makes it.

    https://cloud.google.com/storage/docs/json_api/v1/buckets#resource
    """
    sweep = {"claims/": 4, "keys/": 8, "outbox/": 14, "frames/": 30, "uploads/": 3}
    return {
        "name": BUCKET,
        "location": REGION.upper(),
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "enforced",
        },
        "softDeletePolicy": {"retentionDurationSeconds": "0"},
        "lifecycle": {
            "rule": [
                {
                    "action": {"type": "Delete"},
                    "condition": {"age": days, "matchesPrefix": [prefix]},
                }
                for prefix, days in sweep.items()
            ]
        },
        "cors": [
            {
                "origin": [ORIGIN],
                "method": ["GET", "HEAD", "PUT"],
                "responseHeader": ["Content-Type"],
                "maxAgeSeconds": 3600,
            }
        ],
    }


def refusal(code, message, status, reason=None):
    # https://google.aip.dev/193
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    error = {"code": code, "message": message, "status": status}
    return (code, {"error": {**error, "details": details} if reason else error})
