"""Look at every page of the built site in headless Chromium.

``python .ci/check_site.py doc/_build/html``: at the widths of a desk and of a phone, in light and
dark, no page may scroll sideways, ask another host for anything, or leave a formula unrendered. The
search of the site must find the right page first.
"""

from __future__ import annotations

import argparse
import functools
import html
import json
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WIDTHS = (1300, 390)
HERE = Path(__file__).parent
# What people look for, and the start of the page that must come first.
QUERIES = {
    "regression": ("user_guide/which_method", "generated/skmmcl.contrastive.ContrastiveReg"),
    "age": ("user_guide/which_method", "user_guide/guided"),
    "missing": ("user_guide/missing_modalities",),
    "site": ("user_guide/sites", "user_guide/preprocessing", "user_guide/guided"),
    "which method": ("user_guide/which_method",),
    "NIfTI": ("user_guide/volumes",),
    "save": ("user_guide/conventions", "user_guide/sharing"),
}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *_args: object) -> None:
        """Print nothing."""


def serve(folder: Path) -> ThreadingHTTPServer:
    """Serve a folder on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def ask(chromium: str, site: Path, job: dict[str, object]) -> list[dict[str, object]]:
    """Run the harness on a job within Chromium, and return what it found."""
    harness = site / "_check_site.html"
    script = (HERE / "check_site.js").read_text()
    harness.write_text(
        f"<!doctype html><body><script>const JOB = {json.dumps(job)};\n{script}</script>"
    )
    server = serve(site)
    url = f"http://127.0.0.1:{server.server_port}/{harness.name}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900"]
    command = [chromium, *options, "--virtual-time-budget=3600000", "--dump-dom", url]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    finally:
        server.shutdown()
        harness.unlink()
    found = re.search(r"<pre>(.*)</pre>", ended.stdout, flags=re.DOTALL)
    if not found:
        sys.exit("Chromium gave no result.")
    return json.loads(html.unescape(found[1]))


def check_pages(chromium: str, site: Path, pattern: str) -> list[str]:
    """Return what is wrong with the pages."""
    paths = sorted(str(path.relative_to(site)) for path in site.glob(pattern))
    pages = [path for path in paths if not path.startswith(("_", "genindex"))]
    found = ask(chromium, site, {"pages": pages, "widths": WIDTHS, "themes": ["light", "dark"]})
    print(f"{len(pages)} pages, {len(found)} views")
    return [f"{v['page']} {v['width']} {v['theme']}: {v['wrong']}" for v in found if v["wrong"]]


def check_search(chromium: str, site: Path) -> list[str]:
    """Return the queries whose first page is not the right one."""
    found = ask(chromium, site, {"queries": list(QUERIES)})
    wrong = []
    for result in found:
        first = result["pages"][:3]
        print(f"search {result['query']!r}: {', '.join(first)}")
        if not first or not first[0].startswith(QUERIES[result["query"]]):
            wrong.append(f"search {result['query']!r} finds {first} first")
    return wrong


def main() -> None:
    """Check the site, and exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--pages", default="**/*.html", help="pattern of the pages to look at")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("There is no Chromium: the site is not looked at.")
        return
    wrong = check_pages(chromium, options.site, options.pages)
    wrong += check_search(chromium, options.site)
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
