"""The schemas of the contract, made from the shapes of answers and the model of the request.

The request stands here in two forms, since JSON and a form say a frame and a number differently.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import (
    CoreModeRef,
    CoreRef,
    DefsRef,
    GenerateJsonSchema,
    models_json_schema,
)

from lib.core.errors import TABLE
from lib.core.request import PROMPT_AT_MOST, VideoRequest
from lib.web.contract import shapes

REF = "#/components/schemas/"
FRAME = {"type": "string", "pattern": "^(https?://[^/]|data:image/|gs://)"}


class _NamedSchemas(GenerateJsonSchema):
    """Schemas under the names that the contract has for them."""

    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        core_ref, mode = core_mode_ref  # of a model: module, class and a number after a colon
        return super().get_defs_ref((CoreRef(core_ref.replace("Shape:", ":")), mode))


def schemas() -> dict[str, Any]:
    """Every schema by its name, in the order of names; requests come last."""
    every = [
        shape
        for shape in vars(shapes).values()
        if isinstance(shape, type) and issubclass(shape, shapes.Shape) and shape is not shapes.Shape
    ]
    _, made = models_json_schema(
        [(shape, "validation") for shape in every],
        ref_template=f"{REF}{{model}}",
        schema_generator=_NamedSchemas,
    )
    found = dict(made["$defs"])
    found["VideoRequest"] = _request()
    found["VideoForm"] = _form(found["VideoRequest"])
    found["Problem"]["properties"]["status"]["enum"] = sorted({k.status for k in TABLE.values()})
    return found


def _request() -> dict[str, Any]:
    """The request in JSON: a frame is a text there."""
    schema = VideoRequest.model_json_schema()
    fields = schema["properties"]
    for name in ("first_frame", "last_frame"):
        text = fields[name]["description"].replace(", an uploaded file", "")
        fields[name] = {**FRAME, "description": text}
    fields["seconds"] = {
        "enum": [5, "5"],
        "default": 5,
        "description": fields["seconds"]["description"],
    }
    schema["anyOf"] = [{"required": ["last_frame"]}, {"required": ["template"]}]
    schema["description"] = "A film to be made."
    frames = {name: fields.pop(name) for name in ("first_frame", "last_frame")}
    schema["properties"] = fields = {**frames, **fields}
    for field in fields.values():
        field.pop("title", None)
    return schema


def _form(request: dict[str, Any]) -> dict[str, Any]:
    """The request as a form: files, and texts for everything else."""
    fields = {}
    for name, field in request["properties"].items():
        fields[name] = {"type": "string", "description": field["description"]}
        if name in {"first_frame", "last_frame"}:
            fields[name] = {
                "type": "string",
                "format": "binary",
                "description": "a file, or a link",
            }
        elif "enum" in field:
            fields[name]["enum"] = [str(value) for value in dict.fromkeys(map(str, field["enum"]))]
        elif field.get("type") == "boolean":
            fields[name]["enum"] = ["true", "false"]
        elif name == "metadata":
            fields[name]["description"] = "a JSON object of texts"
        elif name == "prompt":
            fields[name]["maxLength"] = PROMPT_AT_MOST
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["first_frame"],
        "properties": fields,
    }
