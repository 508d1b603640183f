#!/usr/bin/env python3
"""Runs what the documents tell the reader to type. Needs the built program, named by FLEETCAST, and nothing but Python.

  FLEETCAST=target/release/fleetcast python3 tests/snippets/run.py [DOCUMENT ...]      default: README.md and docs/*.md

Every document gets an empty folder; its blocks run there from top to bottom, with `fleetcast` on the PATH. By language:

  sh                    runs in bash, which stops at the first command that fails
  sh no-run             is shown only: what installs or builds, which other steps cover
  console               lines with `$ ` run; the lines after each are its output, word for word; a line `...` stands for any lines
  sql [lake=FOLDER]     runs in `fleetcast sql`; the lake is `fleetcast-demo/lake` unless named
  sh, sql with=NAME     runs in somebody else's program (duckdb, postgres, prometheus, influx), sql in `duckdb fleet.duckdb` or
                        `psql`; is shown only unless FLEETCAST_DATABASES names it, as tests/e2e/databases.sh does
  toml, json [file=F]   must parse; with `file=` it is also written there, for the commands below it
  csv, text [file=F]    is shown, or written with `file=`
  rust                  is covered by the tests of the documents of the code, so it may not stand here
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`]*)$")
SECONDS = 600
CLIENTS = {"duckdb": ["duckdb", "-bail", "fleet.duckdb"], "postgres": ["psql", "-v", "ON_ERROR_STOP=1"]}


class Failed(Exception):
    """A block that does not do what it says."""


def blocks(text):
    """(line, words of the info string, body) of every fenced block."""
    opened, body = None, []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and opened is None:
            opened, body = (number, fence["info"].split(), len(fence["indent"])), []
        elif fence and not fence["info"].strip():
            yield opened[0], opened[1], "\n".join(body) + "\n"
            opened = None
        elif opened is not None:
            body.append(line[opened[2]:] if line[:opened[2]].isspace() else line)
    if opened is not None:
        raise Failed(f"line {opened[0]}: the block has no end")


def run(command, folder, text=None):
    program = Path(os.environ["FLEETCAST"]).resolve()
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(command, cwd=folder, env=environment, input=text, text=True, capture_output=True, timeout=SECONDS, check=False)


def must(done, what):
    if done.returncode != 0:
        raise Failed(f"exit code {done.returncode} from\n{what}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def matches(expected, got):
    """Whether the lines agree; `...` on a line of its own stands for any number of lines."""
    pattern = "".join("(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()) + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in got)) is not None


def console(body, folder):
    commands = []
    for line in body.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif commands:
            commands[-1][1].append(line)
        elif line.strip():
            raise Failed("a console block begins with `$ `")
    for command, expected in commands:
        got = must(run(["bash", "-euo", "pipefail", "-c", command], folder), command).splitlines()
        while expected and not expected[-1].strip():
            expected.pop()
        if expected and not matches(expected, got):
            raise Failed(f"`{command}` printed\n" + "\n".join(got) + "\nnot\n" + "\n".join(expected))


def check(language, marks, body, folder):
    """Does what the language asks for, and returns what was done."""
    options = dict(mark.split("=", 1) for mark in marks if "=" in mark)
    if "file" in options:
        (folder / options["file"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / options["file"]).write_text(body)
    if language == "sh" and "no-run" in marks:
        return "shown"
    if "with" in options and options["with"] not in os.environ.get("FLEETCAST_DATABASES", "").split(","):
        return "shown"
    if language == "sql" and "with" in options:
        must(run(CLIENTS[options["with"]], folder, body), body)
        return "ran"
    if language == "sh":
        must(run(["bash", "-euo", "pipefail", "-c", body], folder), body)
        return "ran"
    if language == "console":
        console(body, folder)
        return "ran"
    if language == "sql":
        lake = options.get("lake", "fleetcast-demo/lake")
        must(run(["fleetcast", "sql", "--lake", lake, body.strip().rstrip(";")], folder), body)
        return "ran"
    if language == "toml":
        tomllib.loads(body)
        return "parsed"
    if language == "json":
        json.loads(body)
        return "parsed"
    if language in ("", "csv", "text"):
        return "shown"
    raise Failed(f"nothing says how to check `{language}`")


def main():
    documents = [Path(name).resolve() for name in sys.argv[1:]] or [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    if not os.access(os.environ.get("FLEETCAST", ""), os.X_OK):
        sys.exit("error: FLEETCAST does not name the built program")
    failed = ran = 0
    for document in documents:
        name = document.relative_to(ROOT) if document.is_relative_to(ROOT) else document
        with tempfile.TemporaryDirectory() as folder:
            try:
                for line, (language, *marks), body in ((n, info or [""], body) for n, info, body in blocks(document.read_text())):
                    try:
                        done = check(language, marks, body, Path(folder))
                        ran += done != "shown"
                        print(f"{name}:{line}: {' '.join([language, *marks]) or 'no language'}: {done}", flush=True)
                    except (Failed, ValueError, OSError, subprocess.TimeoutExpired) as error:
                        failed += 1
                        print(f"{name}:{line}: FAILED: {error}", flush=True)
            except Failed as error:
                failed += 1
                print(f"{name}: FAILED: {error}")
    print(f"{ran} blocks checked, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
