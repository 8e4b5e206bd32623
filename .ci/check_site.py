"""Check the built site: its links, and its looks in headless Chromium.

``python .ci/check_site.py doc/_build/html``: links within the site must lead to pages and anchors
that exist. At the widths of a desk and of a phone, in light and dark, no page may scroll sideways,
ask another host for anything, or leave a formula unrendered. The search of the site must find the
right page first. Two browsers share the pages.
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
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag

WIDTHS = (1300, 390)
N_BROWSERS = 2
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
    script = (HERE / "check_site.js").read_text()
    page = f"<!doctype html><body><script>const JOB = {json.dumps(job)};\n{script}</script>"
    server = serve(site)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900"]
    with (
        tempfile.NamedTemporaryFile("w", dir=site, prefix="_check_", suffix=".html") as harness,
        tempfile.TemporaryDirectory() as profile,
    ):
        harness.write(page)
        harness.flush()
        url = f"http://127.0.0.1:{server.server_port}/{Path(harness.name).name}"
        command = [chromium, *options, f"--user-data-dir={profile}"]
        command += ["--virtual-time-budget=3600000", "--dump-dom", url]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    server.shutdown()
    found = re.search(r"<pre>(.*)</pre>", ended.stdout, flags=re.DOTALL)
    if not found:
        sys.exit("Chromium gave no result.")
    return json.loads(html.unescape(found[1]))


def find_pages(site: Path, pattern: str) -> list[str]:
    """Return the paths of the pages, without those that Sphinx makes of its own."""
    paths = sorted(str(path.relative_to(site)) for path in site.glob(pattern))
    return [path for path in paths if not path.startswith(("_", "genindex"))]


def check_pages(chromium: str, site: Path, pages: list[str]) -> list[str]:
    """Return what is wrong with the looks of the pages."""
    view = {"widths": WIDTHS, "themes": ["light", "dark"]}
    jobs = [{"pages": pages[k::N_BROWSERS], **view} for k in range(N_BROWSERS)]
    with ThreadPoolExecutor(N_BROWSERS) as pool:
        found = [v for part in pool.map(functools.partial(ask, chromium, site), jobs) for v in part]
    print(f"{len(pages)} pages, {len(found)} views")
    return [f"{v['page']} {v['width']} {v['theme']}: {v['wrong']}" for v in found if v["wrong"]]


def check_links(site: Path, pages: list[str]) -> list[str]:
    """Return the links within the site that lead nowhere."""
    texts = {page: (site / page).read_text() for page in pages}
    anchors = {
        (site / page).resolve(): set(re.findall(r'\bid="([^"]+)"', text))
        for page, text in texts.items()
    }
    wrong, n_links = [], 0
    for page, text in texts.items():
        links = {html.unescape(x) for x in re.findall(r'\b(?:href|src)="([^"]+)"', text)}
        for link in sorted(links):
            address, anchor = urldefrag(link)
            if re.match(r"[a-z]+:", address):
                continue
            n_links += 1
            target = (site / page).resolve()
            if address:
                target = (target.parent / unquote(address.partition("?")[0])).resolve()
            known = anchors.get(target, {unquote(anchor)})
            if not target.exists() or (anchor and unquote(anchor) not in known):
                wrong.append(f"{page}: leads nowhere: {link}")
    print(f"{n_links} links within the site")
    return wrong


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
    pages = find_pages(options.site, options.pages)
    wrong = check_links(options.site, find_pages(options.site, "**/*.html"))
    if chromium is None:
        print("There is no Chromium: only the links are checked.")
    else:
        wrong += check_pages(chromium, options.site, pages)
        wrong += check_search(chromium, options.site)
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
