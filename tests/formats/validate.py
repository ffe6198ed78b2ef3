#!/usr/bin/env python3
"""Checks SARIF and JUnit reports of a built wirelint against the published schemas.

    tests/formats/validate.py PROGRAM [CAPTURE ...]

What it checks with, each only where it is there:

  jsonschema (PyPI)                  with the schema that --sarif-schema or SARIF_SCHEMA names
                                     (npm's @microsoft/jest-sarif ships sarif-2.1.0-rtm.5.json of OASIS)
  Sarif.Multitool                    from npm's @microsoft/sarif-multitool-linux, named by SARIF_MULTITOOL:
                                     the same schema, and the rules of GitHub's code scanning
  lxml (PyPI)                        with the XSD that JUNIT_XSD names (pytest's source distribution ships
                                     junit-10.xsd of Jenkins' xUnit plugin)

Prints what was checked and by what, and ends with 1 when anything is wrong, 77 when nothing could be checked.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile


def reports(program, captures, folder):
    """One SARIF and one JUnit report per capture, and one of each over all."""
    made = []
    for number, group in enumerate([[one] for one in captures] + [captures]):
        sarif, junit = (os.path.join(folder, f"{number}.{kind}") for kind in ("sarif", "xml"))
        run = [program, "check", *group, "--format", "concise", "-o", f"sarif={sarif}", "-o", f"junit={junit}"]
        ended = subprocess.run(run, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if ended.returncode not in (0, 1, 3, 4):
            sys.exit(f"{group}: {ended.stderr.decode()}")
        made.append((sarif, junit))
    return made


def check_schema(made):
    schema = os.environ.get("SARIF_SCHEMA")
    if not schema:
        return None
    import jsonschema

    with open(schema, encoding="utf-8") as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    wrong = []
    for sarif, _ in made:
        with open(sarif, encoding="utf-8") as file:
            wrong += [f"{sarif}: {error.json_path}: {error.message}" for error in validator.iter_errors(json.load(file))]
    return wrong


def check_multitool(made):
    tool = os.environ.get("SARIF_MULTITOOL")
    if not tool:
        return None
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    run = [tool, "validate", *(sarif for sarif, _ in made), "--rule-kind", "Sarif;Ghas"]
    said = subprocess.run(run, capture_output=True, text=True, env=environment, check=False)
    lines = said.stdout.splitlines()
    # A tool without a home page has none to name.
    wrong = [line for line in lines if (": error " in line or ": warning " in line) and "SARIF2005" not in line]
    return wrong or ([] if said.returncode == 0 else [said.stdout + said.stderr])


def check_xsd(made):
    xsd = os.environ.get("JUNIT_XSD")
    if not xsd:
        return None
    from lxml import etree

    schema = etree.XMLSchema(etree.parse(xsd))
    wrong = []
    for _, junit in made:
        if not schema.validate(etree.parse(junit)):
            wrong += [f"{junit}: {error}" for error in schema.error_log]
    return wrong


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, captures = sys.argv[1], sys.argv[2:] or sorted(glob.glob("samples/*.pcapng"))
    checks = [
        ("SARIF against the schema of OASIS", check_schema),
        ("SARIF by Sarif.Multitool, rules of code scanning included", check_multitool),
        ("JUnit against junit-10.xsd", check_xsd),
    ]
    failed, done = False, 0
    with tempfile.TemporaryDirectory() as folder:
        made = reports(program, captures, folder)
        for name, check in checks:
            wrong = check(made)
            if wrong is None:
                print(f"not checked: {name}")
                continue
            done += 1
            print(f"{len(made)} reports, {len(wrong)} problems: {name}")
            for line in wrong[:20]:
                print(f"  {line}")
            failed |= bool(wrong)
    sys.exit(1 if failed else 0 if done else 77)


if __name__ == "__main__":
    main()
