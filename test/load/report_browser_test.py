"""The load tester's report in a real browser: all plots are drawn, texts can be read, nothing is
wider than the window of a telephone, light and dark.

    report_browser_test.py ECHO_SERVER LOAD_TEST [FOLDER_FOR_SCREENSHOTS]
"""

import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import chromium  # noqa: E402

PLOTS = ["Latency by percentile", "Latency over time", "Throughput over time", "Errors over time",
         "Server's processor", "Server's memory"]

# Of each plot: its name, its width, and how much of that its longest line covers.
DRAWN = """[...document.querySelectorAll('svg.plot')].map(plot => [
  plot.getAttribute('aria-label'), plot.getBoundingClientRect().width,
  Math.max(...[...plot.querySelectorAll('path, polyline')].map(
    line => line.getBoundingClientRect().width)) / plot.getBoundingClientRect().width])"""

# Texts that lie on one another, as pairs; only those that are shown and contain no other.
COLLISIONS = """(() => {
  const texts = [...document.body.querySelectorAll('*')].filter(
    each => each.children.length === 0 && each.textContent.trim() && each.getClientRects().length);
  const boxes = texts.map(each => {
    const range = document.createRange();
    range.selectNodeContents(each);
    return range.getBoundingClientRect();
  });
  const found = [];
  for (let a = 0; a < texts.length; ++a)
    for (let b = 0; b < a; ++b) {
      const width = Math.min(boxes[a].right, boxes[b].right) - Math.max(boxes[a].left, boxes[b].left);
      const height = Math.min(boxes[a].bottom, boxes[b].bottom) - Math.max(boxes[a].top, boxes[b].top);
      if (width > 1 && height > 6) found.push(texts[a].textContent + ' | ' + texts[b].textContent);
    }
  return found;
})()"""


def make_report(echo_server, load_test, file):
    server = subprocess.Popen([echo_server, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip().rpartition(":")[2]
        subprocess.run([load_test, "--port", port, "--connections", "20", "--report", file,
                        "--stage", "ramp:0-1000:2s", "--stage", "spike:1000-3000:2s"],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)
    finally:
        server.terminate()
        server.wait()


def check_page(browser, file):
    text = pathlib.Path(file).read_text()
    assert "http:" not in text and "https:" not in text and "src=" not in text, "not self-contained"
    browser.call("Page.navigate", url=f"file://{file}")
    browser.wait_for("document.readyState === 'complete'")
    assert browser.value_of("document.title"), "the page has no title"
    backgrounds = set()
    for width, _ in browser.looks("report"):
        backgrounds.add(browser.value_of("getComputedStyle(document.body).backgroundColor"))
        drawn = browser.value_of(DRAWN)
        assert [name for name, _, _ in drawn] == PLOTS, drawn
        for name, plot, line in drawn:
            assert plot > width / 2, f"{name}: {plot} pixels in a window of {width}"
            assert line > 0.5, f"{name}: the line covers {line:.0%}"
        collisions = browser.value_of(COLLISIONS)
        assert not collisions, f"in a window of {width} lie on one another: {collisions}"
    assert len(backgrounds) == 2, f"light and dark look alike: {backgrounds}"
    rows = browser.value_of("document.querySelectorAll('table tr').length")
    assert rows == 3, f"{rows} rows for a heading and two stages"


def main():
    echo_server, load_test, *pictures = sys.argv[1:]
    with chromium.started(*pictures) as (browser, folder):
        report = f"{folder}/report.html"
        make_report(echo_server, load_test, report)
        check_page(browser, report)
    print("passed")


main()
