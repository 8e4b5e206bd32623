"""What importing the room loads."""

from __future__ import annotations

import subprocess
import sys


def test_the_room_does_without_torch(repo_dir):
    code = "import sys, skmmcl.metrics; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=repo_dir)
