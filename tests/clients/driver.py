"""Runs beside the tests with one DashScope SDK on its path: code in, what it printed out."""

import contextlib
import io
import json
import os
import sys


def answer(order):
    import dashscope  # from the folder of the release under test

    os.chdir(order["cwd"])
    dashscope.base_http_api_url = order["url"]
    dashscope.api_key = None
    out, error = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try:
            exec(order["code"], {"dashscope": dashscope, "__name__": "snippet", **order["names"]})
        except BaseException as raised:  # noqa: BLE001 - the test judges it
            error = f"{type(raised).__name__}: {raised}\n"
    return {"out": out.getvalue(), "error": error}


for line in sys.stdin:
    sys.__stdout__.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.__stdout__.flush()
