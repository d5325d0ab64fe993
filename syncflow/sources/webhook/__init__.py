"""The ``webhook`` source: events by HTTP POST, answered once they are in the journal.

    connections ──▶ server ──▶ source ──┬── handshakes, signatures    who sends
        tls                             ├── arrival ──▶ contents ──▶ bodies    bytes → JSON text → events
                                        └── waiting    events not yet read, requests not yet answered

Every answer that promises nothing is a ``RefusedError`` with a reason, and is counted by it (``refusals``).
"""

from syncflow.sources.webhook.source import Webhook

__all__ = ["Webhook"]
