#!/usr/bin/env python3
"""Counts the test cases of one `bazel test`: prints "PASSED FAILED SKIPPED".

Reads the file of --build_event_json_file, and the JUnit XML of each test that it names; a test
without one counts as one case.
"""
import json
import sys
import urllib.parse
import xml.etree.ElementTree


def count_cases(path):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            skipped += 1
        elif case.get("status") != "notrun":
            passed += 1
    return passed, failed, skipped


def count_test(result):
    ok = result["status"] in ("PASSED", "FLAKY")
    whole = (1, 0, 0) if ok else (0, 1, 0)
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml" and output["uri"].startswith("file://"):
            try:
                cases = count_cases(urllib.parse.unquote(output["uri"][len("file://"):]))
            except (OSError, xml.etree.ElementTree.ParseError):
                break
            # A test that crashed or ran out of time failed, whatever cases it reported before.
            return cases if ok or cases[1] else (cases[0], 1, cases[2])
    return whole


def main():
    totals = [0, 0, 0]
    with open(sys.argv[1], encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if "testResult" in event:
                totals = [a + b for a, b in zip(totals, count_test(event["testResult"]))]
    print(*totals)


if __name__ == "__main__":
    main()
