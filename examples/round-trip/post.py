"""Post what a workflow over there would post: python post.py FILE."""

import os
import sys
import urllib.request
from pathlib import Path

address = f"http://127.0.0.1:{os.environ.get('WEBHOOK_PORT', '8765')}/contacts"
headers = {"Content-Type": "application/json"}
request = urllib.request.Request(address, Path(sys.argv[1]).read_bytes(), headers)
with urllib.request.urlopen(request) as answer:
    print("posted:", answer.status)
