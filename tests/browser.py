# Copyright (c) OpenMMLab. All rights reserved.
"""A headless Chromium, driven by the WebDriver protocol over HTTP."""

import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
         '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', '--mute-audio',
         '--autoplay-policy=no-user-gesture-required')
ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'


def find_chromium():
    """The browser and its driver, or None."""
    browser = next(filter(None, map(shutil.which, (
        'chromium', 'chromium-browser', 'google-chrome'))), None)
    driver = shutil.which('chromedriver')
    return (browser, driver) if browser and driver else None


class Browser:
    """One window; a context manager.

    Args:
        profile: An empty folder.
        size: Width and height of the window.
    """

    def __init__(self, profile, size=(1240, 900)):
        self.profile, self.size = profile, size

    def __enter__(self):
        browser, driver = find_chromium()
        self.process = subprocess.Popen(
            [driver, '--port=0'], stdout=subprocess.PIPE, text=True)
        try:
            for line in self.process.stdout:
                if 'successfully on port' in line:
                    self.port = int(line.split()[-1].rstrip('.'))
                    break
            self.session = None
            size = f'--window-size={self.size[0]},{self.size[1]}'
            options = dict(binary=browser, args=[
                *FLAGS, size, f'--user-data-dir={self.profile}'])
            self.session = self.call('POST', '/session', dict(
                capabilities=dict(alwaysMatch={
                    'goog:chromeOptions': options,
                    'goog:loggingPrefs': dict(performance='ALL')})))[
                        'sessionId']
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *error):
        try:
            self.call('DELETE', '')
        finally:
            self.process.terminate()
            self.process.wait(10)

    def call(self, method, path, body=None):
        base = f'/session/{self.session}' if self.session else ''
        request = urllib.request.Request(
            f'http://127.0.0.1:{self.port}{base}{path}', method=method,
            data=None if method != 'POST' else json.dumps(
                body or {}).encode(),
            headers={'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)['value']
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)['value']['message']) from None

    def open(self, url):
        self.call('POST', '/url', dict(url=url))

    def run(self, script, *arguments):
        """Run JavaScript; returns what it returns."""
        return self.call('POST', '/execute/sync', dict(
            script=script, args=list(arguments)))

    def run_async(self, script, *arguments):
        """Run JavaScript; returns what it hands to its last argument."""
        return self.call('POST', '/execute/async', dict(
            script=script, args=list(arguments)))

    def wait(self, script, *arguments, seconds=60):
        """Wait until JavaScript returns something true; return that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.2)
        raise AssertionError(f'not true after {seconds} s: {script}')

    def click(self, selector):
        """Click as a user does: on the middle of what is on the page."""
        self.wait('return document.querySelector(arguments[0])', selector)
        found = self.call('POST', '/element', {
            'using': 'css selector', 'value': selector})
        self.call('POST', f'/element/{found[ELEMENT]}/click')

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call('GET', '/screenshot')))

    def requested(self):
        """Addresses asked for since the last call."""
        events = [json.loads(entry['message'])['message'] for entry in
                  self.call('POST', '/se/log', dict(type='performance'))]
        return [event['params']['request']['url'] for event in events
                if event['method'] == 'Network.requestWillBeSent']
