# Everything that can be chosen, each with what is allowed. Only `project` and `source_zip` have no
# default; infra/dev deploy gives both.

variable "project" {
  description = "The id of the Google Cloud project"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,28}[a-z0-9]$", var.project))
    error_message = "project must be a project id: lower-case letters, digits and hyphens, 30 at most, starting with a letter, not ending with a hyphen."
  }
}

variable "region" {
  description = "Where everything runs; near the frontends, and near DashScope's Singapore by default"
  type        = string
  default     = "asia-southeast1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "region must be a Google Cloud region such as asia-southeast1, europe-west1 or us-central1."
  }
}

variable "scheduler_region" {
  description = "Where Cloud Scheduler runs, if it is not offered in `region`"
  type        = string
  default     = null

  validation {
    condition     = var.scheduler_region == null || can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.scheduler_region))
    error_message = "scheduler_region must be null or a Google Cloud region such as europe-west1."
  }
}

variable "name" {
  description = "The first word of every name that is made"
  type        = string
  default     = "inbetween"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 lower-case letters, digits and hyphens, starting with a letter, not ending with a hyphen (a service account's id has 30 at most)."
  }
}

variable "source_zip" {
  description = "The path of the zip with main.py, requirements.txt and lib; infra/dev deploy builds it"
  type        = string

  validation {
    condition     = fileexists(var.source_zip)
    error_message = "source_zip must be the path of an existing file; infra/dev deploy builds it and passes it."
  }
}

variable "runtime" {
  description = "The Python runtime of both functions"
  type        = string
  default     = "python313"

  validation {
    condition     = contains(["python311", "python312", "python313", "python314"], var.runtime)
    error_message = "runtime must be python311, python312, python313 or python314: what the code is written for and the platform still supports."
  }
}

variable "bucket" {
  description = "The bucket's name; null takes PROJECT-NAME"
  type        = string
  default     = null

  validation {
    condition     = var.bucket == null || can(regex("^[a-z0-9][a-z0-9-]{1,54}[a-z0-9]$", var.bucket))
    error_message = "bucket must be null or 3 to 56 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }
}

variable "bucket_location" {
  description = "Where the bucket lies; null takes `region`, which keeps reads free of network charges"
  type        = string
  default     = null

  validation {
    condition     = var.bucket_location == null || can(regex("^[A-Za-z]+(-[A-Za-z]+[0-9]{1,2})?[0-9]?$", var.bucket_location))
    error_message = "bucket_location must be null, a region such as europe-west1 or a multi-region such as EU."
  }
}

variable "bucket_exists" {
  description = "Whether the bucket is there already and is taken over with what is in it"
  type        = bool
  default     = false
}

variable "soft_delete_days" {
  description = "For how many days what was deleted can be restored by who runs the service; 0 for not at all"
  type        = number
  default     = 7

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90 && floor(var.soft_delete_days) == var.soft_delete_days)
    error_message = "soft_delete_days must be 0 or a whole number from 7 to 90: Cloud Storage knows nothing in between."
  }
}

variable "secret_locations" {
  description = "Where secrets are kept, as regions; empty lets Secret Manager choose, which some organisations forbid"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for location in var.secret_locations : can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", location))])
    error_message = "secret_locations must hold Google Cloud regions such as europe-west1."
  }
}

variable "allowed_origins" {
  description = "Browsers' origins that may call api and play from the bucket"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^(https://[a-z0-9.-]+(:[0-9]+)?|http://localhost(:[0-9]+)?)$", origin))])
    error_message = "allowed_origins must hold origins such as https://app.example.com (no path, no trailing slash, no *); http only for localhost."
  }
}

variable "api_invokers" {
  description = "Who passes IAM in front of api; everybody by default, because api itself asks for a key"
  type        = list(string)
  default     = ["allUsers"]

  validation {
    condition     = alltrue([for member in var.api_invokers : can(regex("^(allUsers|(user|group|serviceAccount|domain):[^ ]+)$", member))])
    error_message = "api_invokers must hold allUsers or members such as user:a@example.com, group:…, serviceAccount:… or domain:…."
  }
}

variable "public_url" {
  description = "The address under which frontends reach api, where that is not its own: a custom domain, a load balancer or the cloudfunctions.net address"
  type        = string
  default     = null

  validation {
    condition     = var.public_url == null || can(regex("^https://[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*$", var.public_url))
    error_message = "public_url must be null or an https address without a slash at its end, such as https://films.example.com."
  }
}

variable "dashscope_region" {
  description = "The Model Studio region that the key belongs to"
  type        = string
  default     = "singapore"

  validation {
    condition     = contains(["singapore", "beijing"], var.dashscope_region)
    error_message = "dashscope_region must be singapore or beijing."
  }
}

variable "several_accounts" {
  description = "Whether the upstream secret holds DASHSCOPE_ACCOUNTS (a JSON list) instead of one key"
  type        = bool
  default     = false
}

variable "frame_delivery" {
  description = "How frames reach the upstream; empty chooses by region"
  type        = string
  default     = ""

  validation {
    condition     = contains(["", "link", "upload", "inline"], var.frame_delivery)
    error_message = "frame_delivery must be link, upload, inline, or empty to choose by region."
  }
}

variable "upstream_secret_version" {
  description = "Which version of the upstream secret the functions get; a number pins it"
  type        = string
  default     = "latest"

  validation {
    condition     = can(regex("^(latest|[1-9][0-9]*)$", var.upstream_secret_version))
    error_message = "upstream_secret_version must be latest or a version's number."
  }
}

variable "owner_keys_secret_version" {
  description = "Which version of the owners' key hashes api gets; a number pins it"
  type        = string
  default     = "latest"

  validation {
    condition     = can(regex("^(latest|[1-9][0-9]*)$", var.owner_keys_secret_version))
    error_message = "owner_keys_secret_version must be latest or a version's number."
  }
}

variable "webhook_secret_version" {
  description = "Which version of the owners' webhook secrets the functions get, latest or a number; null while it has none"
  type        = string
  default     = null

  validation {
    condition     = var.webhook_secret_version == null ? true : can(regex("^(latest|[1-9][0-9]*)$", var.webhook_secret_version))
    error_message = "webhook_secret_version must be null (nobody is told by webhook), latest or a version's number."
  }
}

variable "id_token_audience" {
  description = "For whom Google ID tokens may have been issued (OAuth client ids); with id_token_owners"
  type        = list(string)
  default     = []

  validation {
    condition     = (length(var.id_token_audience) == 0) == (length(var.id_token_owners) == 0)
    error_message = "id_token_audience and id_token_owners go together: set both or neither."
  }
}

variable "id_token_owners" {
  description = "Owner to the e-mail addresses or account ids whose ID tokens are theirs"
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for owner, _ in var.id_token_owners : can(regex("^[A-Za-z0-9_-]{1,64}$", owner))])
    error_message = "id_token_owners must have owners of letters, digits, - and _, 64 characters at most."
  }
}

# `any`, since a row holds numbers and texts; what a row may hold is checked here, so that a misspelt
# limit is told before the deployment and not by a function that does not start.
variable "owner_limits" {
  description = "Limits by owner, * for everybody else, such as { \"*\" = { jobs_per_day = 50, spend_per_day = \"50.00 CNY\" } }; what * leaves open is limited as by default, null lifts a limit"
  type        = any
  default     = { "*" = { jobs_per_day = 100, jobs_running = 10, uploads_per_day = 400 } }

  validation {
    condition     = can(keys(var.owner_limits)) && alltrue([for owner in try(keys(var.owner_limits), []) : can(regex("^([*]|[A-Za-z0-9_-]{1,64})$", owner))])
    error_message = "owner_limits must have owners of letters, digits, - and _ (64 characters at most), or *."
  }
  validation {
    condition = try(alltrue(flatten([
      for owner, row in var.owner_limits : [
        for limit, value in row : can(regex({
          jobs_per_day    = "^(null|[1-9][0-9]{0,5}|1000000)$"
          jobs_running    = "^(null|[1-9][0-9]{0,5}|1000000)$"
          uploads_per_day = "^(null|[1-9][0-9]{0,5}|1000000)$"
          spend_per_day   = "^(null|\"[0-9]{1,9}([.][0-9]{1,6})? [A-Z]{3}\")$"
          unpriced_job    = "^(null|\"[0-9]{1,9}([.][0-9]{1,6})? [A-Z]{3}\")$"
        }[limit], jsonencode(value)))
      ]
    ])), false)
    error_message = "owner_limits must hold jobs_per_day, jobs_running and uploads_per_day (whole numbers from 1 to 1000000) and spend_per_day and unpriced_job (texts such as \"50.00 CNY\"), or null; nothing else."
  }
}

variable "signed_url_ttl_s" {
  description = "Life of a signed link in seconds"
  type        = number
  default     = 3600

  validation {
    condition     = var.signed_url_ttl_s >= 60 && var.signed_url_ttl_s <= 43200 && floor(var.signed_url_ttl_s) == var.signed_url_ttl_s
    error_message = "signed_url_ttl_s must be 60 to 43200 seconds: IAM promises the keys of signBlob for 12 hours only."
  }
}

variable "implicit_dedupe_s" {
  description = "Seconds in which the same request without an Idempotency-Key counts as one; 0 is off"
  type        = number
  default     = 60

  validation {
    condition     = var.implicit_dedupe_s >= 0 && var.implicit_dedupe_s <= 3600
    error_message = "implicit_dedupe_s must be 0 to 3600 seconds."
  }
}

variable "first_look_s" {
  description = "When a task is first looked at, in seconds; null takes 0.3 of the usual duration"
  type        = number
  default     = null

  validation {
    condition     = var.first_look_s == null ? true : var.first_look_s >= 0 && var.first_look_s <= 3600
    error_message = "first_look_s must be null or 0 to 3600 seconds."
  }
}

variable "tick_budget_s" {
  description = "How long one tick works while something is pending, in seconds"
  type        = number
  default     = 50

  validation {
    condition     = var.tick_budget_s >= 1 && var.tick_budget_s <= 1130
    error_message = "tick_budget_s must be 1 to 1130 seconds (with the 640 seconds of a last copy it must fit into the 1770 of poll_timeout_s)."
  }
}

variable "poll_timeout_s" {
  description = "The timeout of poll in seconds: a tick's budget, and a copy that began with its last second"
  type        = number
  default     = 720

  validation {
    condition     = var.poll_timeout_s >= var.tick_budget_s + 640 && var.poll_timeout_s <= 1770
    error_message = "poll_timeout_s must be at least tick_budget_s + 640 (a copy that began with the budget's last second may take 600 s, and its last chunk, the verdict and the end of the tick 40 s) and at most 1770 seconds (Cloud Scheduler waits for 30 minutes at most)."
  }
}

variable "api_timeout_s" {
  description = "The timeout of api in seconds"
  type        = number
  default     = 90

  validation {
    condition     = var.api_timeout_s >= 70 && var.api_timeout_s <= 3600
    error_message = "api_timeout_s must be 70 to 3600 seconds: a lease of 30 s, a create of 20 s and a waiting read of 55 s must fit with 10 s to spare."
  }
}

variable "api_concurrency" {
  description = "How many requests one instance of api answers at a time; also its number of threads"
  type        = number
  default     = 16

  validation {
    condition     = var.api_concurrency >= 2 && var.api_concurrency <= 80 && floor(var.api_concurrency) == var.api_concurrency
    error_message = "api_concurrency must be a whole number from 2 to 80; with one thread a waiting read would block everything else."
  }
}

variable "api_min_instances" {
  description = "Instances of api that are kept warm; each costs money while it idles"
  type        = number
  default     = 0

  validation {
    condition     = var.api_min_instances >= 0 && var.api_min_instances <= var.api_max_instances && floor(var.api_min_instances) == var.api_min_instances
    error_message = "api_min_instances must be a whole number from 0 to api_max_instances."
  }
}

variable "api_max_instances" {
  description = "How far api may scale out"
  type        = number
  default     = 5

  validation {
    condition     = var.api_max_instances >= 1 && var.api_max_instances <= 100 && floor(var.api_max_instances) == var.api_max_instances
    error_message = "api_max_instances must be a whole number from 1 to 100."
  }
}

variable "api_takes_traffic" {
  description = "Whether a new revision of api gets every request at once; false leaves the split of before (infra/docs/delivery.md)"
  type        = bool
  default     = true
}

variable "tick_audience" {
  description = "Which address of poll the scheduler's token names: function (cloudfunctions.net) or run (run.app); poll takes both"
  type        = string
  default     = "function"

  validation {
    condition     = contains(["function", "run"], var.tick_audience)
    error_message = "tick_audience must be function or run."
  }
}

variable "paused" {
  description = "Whether the heartbeat stands still: jobs are accepted, none moves"
  type        = bool
  default     = false
}

variable "frames_days" {
  description = "Days after which frames go"
  type        = number
  default     = 30

  validation {
    condition     = var.frames_days >= 3 && var.frames_days <= 3650 && floor(var.frames_days) == var.frames_days
    error_message = "frames_days must be a whole number from 3 (a job may wait and be tried again for two days) to 3650."
  }
}

variable "outbox_days" {
  description = "Days after which a webhook that nobody takes goes"
  type        = number
  default     = 14

  validation {
    condition     = var.outbox_days >= 3 && var.outbox_days <= 365 && floor(var.outbox_days) == var.outbox_days
    error_message = "outbox_days must be a whole number from 3 to 365."
  }
}

variable "videos_days" {
  description = "Days after which films go; null keeps them"
  type        = number
  default     = null

  validation {
    condition     = var.videos_days == null ? true : var.videos_days >= 1 && floor(var.videos_days) == var.videos_days
    error_message = "videos_days must be null (films are kept) or a whole number of days, 1 or more."
  }
}

variable "jobs_days" {
  description = "Days after which finished jobs go; null keeps them"
  type        = number
  default     = null

  validation {
    condition     = var.jobs_days == null ? true : var.jobs_days >= 9 && floor(var.jobs_days) == var.jobs_days
    error_message = "jobs_days must be null (jobs are kept) or a whole number of days, 9 or more: what marks a deleted job must outlive its Idempotency-Key, which lasts 8 days."
  }
}

variable "alert_emails" {
  description = "Who is told; nobody by default, the alerts are then seen in the console only"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", address))])
    error_message = "alert_emails must hold e-mail addresses such as ops@example.com."
  }
}

variable "alert_5xx_above" {
  description = "How many answers with 5xx of one function within 5 minutes are tolerated"
  type        = number
  default     = 0

  validation {
    condition     = var.alert_5xx_above >= 0 && var.alert_5xx_above <= 10000
    error_message = "alert_5xx_above must be 0 to 10000."
  }
}

variable "alert_backlog_s" {
  description = "For how many seconds a job may have waited before somebody is told"
  type        = number
  default     = 7200

  validation {
    condition     = var.alert_backlog_s >= 600 && var.alert_backlog_s <= 172800 && floor(var.alert_backlog_s) == var.alert_backlog_s
    error_message = "alert_backlog_s must be a whole number from 600 to 172800 seconds (a film takes minutes; after a day unsent a job is given up)."
  }
}

variable "alert_jobs_per_day" {
  description = "How many jobs of all owners within 24 hours are still no reason to tell somebody: times the price of a film, the day's spend upstream"
  type        = number
  default     = 200

  validation {
    condition     = var.alert_jobs_per_day >= 1 && var.alert_jobs_per_day <= 1000000 && floor(var.alert_jobs_per_day) == var.alert_jobs_per_day
    error_message = "alert_jobs_per_day must be a whole number from 1 to 1000000."
  }
}

variable "billing_account" {
  description = "The billing account, for the line that makes a budget of Google's part; null leaves its place open"
  type        = string
  default     = null

  validation {
    condition     = var.billing_account == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account must be null or an id such as 0123AB-4567CD-89EF01 (gcloud billing accounts list)."
  }
}

variable "budget_per_month" {
  description = "The budget of Google's part for a month, for the same line"
  type        = string
  default     = "20USD"

  validation {
    condition     = can(regex("^[1-9][0-9]*([.][0-9]{1,2})?[A-Z]{3}$", var.budget_per_month))
    error_message = "budget_per_month must be an amount with the billing account's own currency behind it, such as 20USD."
  }
}
