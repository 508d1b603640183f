#!/usr/bin/env python3
"""The JSON Schemas of profiles and scenarios, held against an independent validator and against the program.

  FLEETCAST=target/release/fleetcast python3 tests/e2e/schemas.py        needs the package jsonschema

Every built-in file and every example of docs/generator.md is accepted by both; every key misspelt, of another type, out of range
or missing is refused by both.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ["FLEETCAST"]
SIM = ROOT / "crates" / "sim"


def program(*words):
    return subprocess.run([PROGRAM, *words], text=True, capture_output=True, check=False)


def schema(sort):
    text = program("profile", "schema", sort).stdout
    assert text == (SIM / "schemas" / f"{sort}.schema.json").read_text(), f"the committed schema of {sort} is another"
    found = json.loads(text)
    Draft202012Validator.check_schema(found)
    return found


def inline(value):
    """A value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'{inline(key)} = {inline(entry)}' for key, entry in value.items()) + "}"
    return repr(value)


def fitting(rule):
    """A value the rule allows."""
    if "enum" in rule:
        return rule["enum"][0]
    kind = rule["type"]
    if kind in ("number", "integer"):
        return rule["minimum"]
    if kind == "string":
        return "UTC" if "/" in rule.get("pattern", "") else "x"
    if kind == "boolean":
        return True
    if kind == "array":
        return [fitting(rule["items"])] * max(1, rule.get("minItems", 1))
    return {name: fitting(inner) for name, inner in rule["properties"].items() if name in rule.get("required", [])}


def broken(rule):
    """Values the rule does not allow, each of another kind of wrong."""
    if "enum" in rule:
        return [rule["enum"][0] + "x", 3]
    kind = rule["type"]
    if kind in ("number", "integer"):
        far = abs(rule["minimum"]) + abs(rule["maximum"]) + 1
        return [rule["minimum"] - far, rule["maximum"] + far, "much", True]
    if kind == "string":
        return [3, [], *(["two words", ""] if "pattern" in rule else [])]
    if kind == "boolean":
        return [3, "yes"]
    if kind == "array":
        return ["x", [fitting(rule["items"])] * (rule["maxItems"] + 1)] if "maxItems" in rule else ["x", []]
    return ["x", 3]


def cases(rule, wrap):
    """(what is wrong, document) for every key below an object's rule; `wrap` puts an object in its place."""
    whole = fitting(rule)
    for name, inner in rule["properties"].items():
        for value in broken(inner):
            yield f"{name} = {value!r:.60}", wrap({**whole, name: value})
        yield f"{name}x", wrap({**whole, name[0] + name: fitting(inner)})
        if name in rule.get("required", []):
            yield f"no {name}", wrap({key: value for key, value in whole.items() if key != name})
        if inner.get("type") == "object":
            yield from cases(inner, lambda value, name=name: wrap({**whole, name: value}))
        elif inner.get("type") == "array" and inner["items"].get("type") == "object":
            yield from cases(inner["items"], lambda value, name=name: wrap({**whole, name: [value]}))


def examples(sort):
    """Built-in files, and those of the documents that say they are of this sort."""
    folder = {"profile": "profiles", "scenario": "scenarios"}[sort]
    yield from ((file.name, file.read_text()) for file in sorted((SIM / folder).glob("*.toml")))
    for page in sorted((ROOT / "docs").glob("*.md")):
        for command in re.findall(rf"{sort} check (\S+\.toml)", page.read_text()):
            block = re.search(rf"```toml file={re.escape(command)}\n(.*?)```", page.read_text(), re.S)
            if block:
                yield f"{page.name}: {command}", block[1]


def main():
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "f.toml"
        for sort in ("profile", "scenario"):
            rules = schema(sort)
            validator = Draft202012Validator(rules)
            n_accepted = n_refused = 0
            for name, text in examples(sort):
                file.write_text(text)
                answer = program(sort, "check", str(file))
                complaints = [error.message for error in validator.iter_errors(tomllib.loads(text))]
                n_accepted += 1
                if complaints or answer.returncode != 0:
                    failed.append(f"{name}: {complaints} {answer.stderr}")
            for what, document in cases(rules, lambda value: value):
                text = "".join(f"{inline(key)} = {inline(value)}\n" for key, value in document.items())
                file.write_text(text)
                answer = program(sort, "check", str(file))
                n_refused += 1
                if validator.is_valid(document):
                    failed.append(f"{sort}: the schema accepts {what}")
                if answer.returncode != 1 or "f.toml" not in answer.stderr:
                    failed.append(f"{sort}: the program accepts {what}: {answer.stderr}{answer.stdout}")
            print(f"{sort}: {n_accepted} files accepted, {n_refused} broken ones refused, by schema and program")
    for line in failed[:20]:
        print(f"error: {line}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
