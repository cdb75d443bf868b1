"""The reader of Terraform's language: what it reads it reads right, what it does not know it refuses."""

import json
import shutil
import string
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.deploy import hcl
from infra.deploy.model import Model
from infra.deploy.values import Scope, Wrong, value
from tests.deploy import rules

NAMES = {"var": {"days": 9, "none": None, "origins": ["b", "a"], "map": {"k": {"deep": 1}}}}


def root(name):
    if name not in NAMES:
        raise Wrong(f"nothing is called {name} here")
    return NAMES[name]


def worked_out(text):
    return value(hcl.expression(text), Scope(root, {}, rules.TERRAFORM))


CASES = {
    "1 + 2 * 3": 7,
    "(1 + 2) * 3": 9,
    "10 - 2 - 3": 5,
    "7 / 2": 3.5,
    "-3 + 5": 2,
    "!true || 1 < 2": True,
    "1 >= 1 && 2 != 3": True,
    "true ? 1 : 2": 1,
    "false ? 1 : true ? 2 : 3": 2,
    '"a-${var.days}-${"x"}"': "a-9-x",
    '"\\"q\\" $${kept} \\\\"': '"q" ${kept} \\',
    "var.map.k.deep": 1,
    'var.map["k"]["deep"]': 1,
    "var.origins[1]": "a",
    "[for x in var.origins : upper_is_not_known(x) if false]": [],
    "[for i, x in var.origins : i]": [0, 1],
    '{ for k, v in var.map : "${k}!" => v.deep if v != null }': {"k!": 1},
    "{ for x in toset(var.origins) : x => 1 }": {"a": 1, "b": 1},
    'coalesce(var.none, "", "c")': "c",
    'join(" ", var.origins)': "b a",
    "tostring(16)": "16",
    "tostring(true)": "true",
    'merge([{ a = 1 }, { b = 2 }]...) == { a = 1, "b" = 2 }': True,
    'can(regex("^b", "abc"))': False,
    'can(regex("^a", "abc"))': True,
    'contains(["x"], "x")': True,
    "alltrue([for x in var.origins : length(x) == 1])": True,
    'jsonencode({ "b" = [1], "a" = null })': '{"a":null,"b":[1]}',
    "floor(1.5)": 1,
    'fileexists("versions.tf")': True,
    "var.none == null ? true : var.none > 1": True,
}


@pytest.mark.parametrize(("text", "wanted"), CASES.items(), ids=CASES)
def test_an_expression_comes_to_what_terraform_says(text, wanted):
    assert worked_out(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "var.nothing",
        "local.x",
        "nope(1)",
        "var.origins[7]",
        '"${var.none}"',
        '"${var.origins}"',
        "null > 1",
    ],
)
def test_what_cannot_be_worked_out_is_an_error(text):
    with pytest.raises(Wrong):
        worked_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "a = <<EOT\nx\nEOT\n",
        'a = "%{ if true }x%{ endif }"\n',
        "a = var.list[*].name\n",
        'a = "unfinished\n',
        'a = "${unfinished"\n',
        "a = 1\na = 2\n",
        "a = 1 b = 2\n",
        "block {\n",
        "a = \n",
        "a = (1\n",
        "a = 1 ? 2\n",
        "a = {b: }\n",
        "a = [1 2]\n",
        "a = ;\n",
        '"a" 1\n',
    ],
)
def test_what_it_does_not_read_it_refuses_by_place(text):
    with pytest.raises(hcl.Unreadable, match=r"^file\.tf:\d+: "):
        hcl.parse(text, "file.tf")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 10**9)
    | st.text(
        string.printable.replace("%", "").replace("\x0b", "").replace("\x0c", ""), max_size=12
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_plain_values_come_back_as_they_were_written(plain):
    """JSON is, but for `${`, an expression of HCL (specification, "Expressions")."""
    assert worked_out(json.dumps(plain).replace("${", "$${")) == plain


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 99), st.sampled_from(["+", "-", "*"]))
def test_arithmetic_binds_as_python_does(a, b, c, mark):
    text = f"{a} {mark} {b} * {c} - {a}"
    assert worked_out(text) == eval(text)


def configuration(folder, text):
    (folder / "main.tf").write_text(text)
    return Model(folder, {})


def test_instances_dynamic_blocks_and_references_are_worked_out(tmp_path):
    found = configuration(
        tmp_path,
        """
locals {
  who = toset(["b", "a"])
}
resource "google_service_account" "one" {
  for_each   = local.who
  project    = "p"
  account_id = "x-${each.key}"
}
resource "google_storage_bucket" "films" {
  project = "p"
  name    = google_service_account.one["a"].email
  dynamic "rule" {
    for_each = { k = 1, l = 2 }
    content {
      age = rule.value + 1
      of  = [rule.key]
    }
  }
}
""",
    )
    assert list(found.resources("google_service_account")) == ['one["a"]', 'one["b"]']
    (bucket,) = found.resources("google_storage_bucket").values()
    assert bucket["name"] == "x-a@p.iam.gserviceaccount.com"
    assert bucket["rule"] == [{"age": 2, "of": ["k"]}, {"age": 3, "of": ["l"]}]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'locals {\n  a = local.b\n  b = local.a\n}\noutput "x" {\n  value = local.a\n}\n',
            "refers to itself",
        ),
        (
            'output "x" {\n  value = google_storage_bucket.gone.name\n}\n',
            "nothing is called google_storage_bucket",
        ),
        ("locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n", "local.a is there already"),
        ('variable "v" {\n  type = string\n}\n', "the variable v has no default"),
    ],
)
def test_a_configuration_that_does_not_work_out_is_an_error(tmp_path, text, sentence):
    with pytest.raises(Wrong, match=sentence):
        configuration(tmp_path, text).outputs()


if shutil.which("terraform"):

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "text", [text for text in CASES if "var." not in text and "upper" not in text]
    )
    def test_terraform_comes_to_the_same(tmp_path, text):
        (tmp_path / "versions.tf").write_text("")
        asked = f"jsonencode({text})\n"
        command = ["terraform", f"-chdir={tmp_path}", "console"]
        ran = subprocess.run(command, input=asked, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(json.loads(ran.stdout)) == CASES[text]
