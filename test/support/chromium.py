"""A page in Debian's headless chromium, driven by its pipe, since that needs nothing but Python's own
library."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HANG = 60  # seconds; ends what hangs, and judges nothing


class Browser:
    """A headless browser with one page."""

    def __init__(self, folder, pictures):
        self._pictures = pictures
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()

        def take_their_numbers():  # the browser reads from 3 and writes to 4
            reading, writing = os.dup(commands), os.dup(answers)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self._process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--remote-debugging-pipe", "--no-first-run",
             "--window-size=1200,1400", f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=take_their_numbers, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": folder})
        os.close(commands)
        os.close(answers)
        self._unread = b""
        self._last = 0
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target,
                                  flatten=True)["sessionId"]
        self.call("Page.enable")

    def close(self):
        os.close(self._to)
        os.close(self._from)
        self._process.kill()
        self._process.wait()

    def call(self, method, **parameters):
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self):
        while b"\0" not in self._unread:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser has ended"
            self._unread += more
        message, self._unread = self._unread.split(b"\0", 1)
        return json.loads(message)

    def value_of(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression):
        end = time.monotonic() + HANG
        while not self.value_of(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def press(self, key, code, number, text=""):
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, text=text,
                  windowsVirtualKeyCode=number)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code,
                  windowsVirtualKeyCode=number)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def looks(self, name):
        """Shows the page as on a desk and on a telephone, light and dark, of which it yields the width
        and the scheme. Nothing of it may be wider than the window."""
        for width in (1200, 380):
            self.call("Emulation.setDeviceMetricsOverride", width=width, height=1400,
                      deviceScaleFactor=1, mobile=False)
            for scheme in ("light", "dark"):
                self.call("Emulation.setEmulatedMedia",
                          features=[{"name": "prefers-color-scheme", "value": scheme}])
                self.picture(f"{name}_{scheme}_{width}")
                wide = self.value_of("document.documentElement.scrollWidth")
                assert wide <= width, f"{wide} pixels in a window of {width}"
                yield width, scheme

    def picture(self, name):
        """Keeps a picture of the page, if the test has a folder for such."""
        if not self._pictures:
            return
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        pathlib.Path(self._pictures, name + ".png").write_bytes(base64.b64decode(data))


@contextlib.contextmanager
def started(pictures=None):
    """Yields a browser, and a folder that is gone afterwards. Ends the test where there is none.
    Pictures go to the folder `pictures`, or where Bazel wants them."""
    if not shutil.which("chromium"):
        print("skipped: there is no chromium; it comes with Debian's package of that name")
        sys.exit()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder, pictures or os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"))
        try:
            yield browser, folder
        finally:
            browser.close()
