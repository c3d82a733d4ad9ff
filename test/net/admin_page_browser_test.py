"""The admin page in a real browser: it loads, renews itself, filters, opens a stack by the keyboard
and shows a deadlock, light and dark. So far with coroutines as told; then with those of a server
that really is in a deadlock.

    admin_page_browser_test.py PROGRAM SICK_SERVER [FOLDER_FOR_SCREENSHOTS]
"""

import contextlib
import pathlib
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import chromium  # noqa: E402

SHOWN = "[...document.querySelectorAll('#groups summary')].map(each => each.textContent)"


def check_page(browser, address):
    browser.call("Page.navigate", url=f"http://{address}/")
    browser.wait_for("document.querySelectorAll('#groups details').length === 4")
    browser.wait_for("document.getElementById('state').textContent === 'live'")
    assert browser.value_of("document.title") == "colibri", "a name was taken for HTML"
    assert browser.value_of("document.images.length") == 0

    # It renews itself.
    browser.wait_for("document.querySelectorAll('#tiles dd').length === 6")
    browser.wait_for("document.querySelector('#plots path').getAttribute('d').includes('L')")
    first = browser.value_of("moments.length")
    browser.wait_for(f"moments.length > {first}")

    # A deadlock is an alarm; the rest is the graph of who waits for whom.
    assert browser.value_of("document.getElementById('alarms').hidden") is False
    alarm = browser.value_of("document.getElementById('cycles').textContent")
    assert "#77 'writer'" in alarm and "#78 'reader'" in alarm, alarm
    assert "#5 'main'" in browser.value_of("document.getElementById('chains').textContent")

    # By the keyboard alone: / goes to the search, Tab to what was found, Space opens it.
    browser.press("/", "Slash", 191, "/")
    assert browser.value_of("document.activeElement.id") == "find"
    browser.type("read_report")
    browser.wait_for(f"{SHOWN}.length === 1")
    assert "reader" in browser.value_of(f"{SHOWN}[0]")
    assert browser.value_of("document.getElementById('found').textContent") == "1 in 1 stacks"
    browser.press("Tab", "Tab", 9)
    assert browser.value_of("document.activeElement.tagName") == "SUMMARY"
    browser.press(" ", "Space", 32, " ")
    browser.wait_for("document.querySelector('#groups pre')?.textContent.includes('read_report()')")
    cells = browser.value_of("document.querySelector('#groups tbody').textContent")
    assert "report.cc:9" in cells and "mutex held by #77 'writer'" in cells, cells

    # What is open stays open when it renews itself, and keeps the focus.
    seen = browser.value_of("moments.length")
    browser.wait_for(f"moments.length > {seen + 2}")
    assert browser.value_of("document.querySelector('#groups details').open") is True
    assert browser.value_of("document.activeElement.tagName") == "SUMMARY"

    # A number finds one of ten thousand; nothing of the page is wider than the window.
    browser.value_of("byId('find').value = '#12'; byId('find').dispatchEvent(new Event('input'))")
    browser.wait_for(f"{SHOWN}.length === 1")
    assert browser.value_of(f"{SHOWN}[0]").startswith("1 ×"), browser.value_of(f"{SHOWN}[0]")
    browser.value_of("byId('find').value = ''; byId('find').dispatchEvent(new Event('input'))")
    browser.wait_for(f"{SHOWN}.length === 4")
    assert browser.value_of(f"{SHOWN}[0]").startswith("10,000 ×"), browser.value_of(f"{SHOWN}[0]")
    for _ in browser.looks("admin_page"):
        pass

    # Pause stops the asking.
    browser.value_of("document.getElementById('pause').click()")
    time.sleep(1.5)
    paused = browser.value_of("moments.length")
    time.sleep(2.5)
    assert browser.value_of("moments.length") == paused


def check_deadlock(browser, address):
    browser.call("Page.navigate", url=address)
    browser.wait_for("document.getElementById('state')?.textContent === 'live'")
    browser.wait_for("document.getElementById('alarms').hidden === false")
    alarm = browser.value_of("document.getElementById('cycles').textContent")
    for name in ("'anna to ben'", "'ben to anna'", "mutex held by"):
        assert name in alarm, alarm
    browser.press("/", "Slash", 191, "/")
    browser.type("anna")
    # Those two, and main, which waits for the end of one.
    browser.wait_for(f"{SHOWN}.length === 2")
    assert browser.value_of(f"{SHOWN}[0]").startswith("2 ×"), "they stand at the same place"
    browser.press("Tab", "Tab", 9)
    browser.press(" ", "Space", 32, " ")
    browser.wait_for("document.querySelector('#groups pre')?.textContent.includes('transfer')")
    cells = browser.value_of("document.querySelector('#groups tbody').textContent")
    assert "deadlock.cc:" in cells and "mutex held by" in cells, cells
    browser.picture("admin_page_of_a_deadlock")


def main():
    program, sick_server, *pictures = sys.argv[1:]
    with chromium.started(*pictures) as (browser, _), contextlib.ExitStack() as stack:
        served = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        stack.callback(served.wait)
        stack.callback(served.stdin.close)
        check_page(browser, served.stdout.readline().strip())
        # It has no end of its own.
        sick = subprocess.Popen([sick_server, "--page"], stdout=subprocess.PIPE, text=True)
        stack.callback(sick.wait)
        stack.callback(sick.kill)
        check_deadlock(browser, sick.stdout.readline().strip())
    assert served.returncode == 0, served.returncode
    print("passed")


main()
