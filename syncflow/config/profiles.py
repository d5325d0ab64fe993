"""Profiles: which one is used, and the overlay laid over the file."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.config.diagnostics import Diagnostic, Span, did_you_mean, one_of
from syncflow.config.nodes import MappingNode, Node, ScalarNode, find, is_nothing, merge, without

_MOCK_MODE = {"true": "mock", "1": "mock", "false": "live", "0": "live"}


def overlays(root: MappingNode) -> dict[str, Node]:
    """Return the profiles of a file, by name."""
    node, _, steps = find(root, ("profiles",))
    return (
        {name: entry.value for name, entry in node.entries.items()} if steps and isinstance(node, MappingNode) else {}
    )


def pick(
    root: MappingNode, *, asked: str | None, environment: Mapping[str, str]
) -> tuple[str | None, list[Diagnostic]]:
    """Tell which profile is used: the one asked for, else SYNCFLOW_PROFILE's, else MOCK_MODE's, else the one ``profile:`` names."""
    known = overlays(root)
    for name, said_by in ((asked, "--profile"), (environment.get("SYNCFLOW_PROFILE"), "SYNCFLOW_PROFILE")):
        if name:
            return (name, []) if name in known else (None, [_unknown(name, said_by, _place(root), known)])
    mode = environment.get("MOCK_MODE", "").strip().lower()
    if mode and known and mode not in _MOCK_MODE:
        message = f"MOCK_MODE is `{mode}`"
        return None, [
            Diagnostic("SF221", _place(root), message, expected="true (profile mock) or false (profile live)")
        ]
    if _MOCK_MODE.get(mode) in known:
        return _MOCK_MODE[mode], []
    return _named(root, known)


def _named(root: MappingNode, known: Mapping[str, Node]) -> tuple[str | None, list[Diagnostic]]:
    node, _, steps = find(root, ("profile",))
    if not steps or not isinstance(node, ScalarNode) or is_nothing(node.value):
        return None, []
    name = str(node.value)
    return (name, []) if name in known else (None, [_unknown(name, "`profile:`", node.span, known)])


def _place(root: MappingNode) -> Span:
    node, key, _ = find(root, ("profiles",))
    return key.span if key is not None else next((entry.key.span for entry in root.entries.values()), node.span)


def _unknown(name: str, said_by: str, span: Span, known: Mapping[str, Node]) -> Diagnostic:
    expected = one_of(list(known)) if known else "a profile under `profiles:`; this file has none"
    message = f"there is no profile `{name}` (named by {said_by})"
    return Diagnostic("SF220", span, message, expected=expected, suggestion=did_you_mean(name, known), path="profiles")


def overlaid(root: MappingNode, profile: str | None) -> MappingNode:
    """Return the file as the profile makes it, without the profiles themselves."""
    base = without(root, "profiles")
    overlay = overlays(root).get(profile or "")
    return laid_over(base, overlay) if isinstance(overlay, MappingNode) else base


def laid_over(base: MappingNode, overlay: MappingNode) -> MappingNode:
    """Return the file with an overlay laid over it. What there can be one of takes the other's place: ``source`` that of ``sources``, and
    another kind of source that of the one before."""
    for given, other in (("source", "sources"), ("sources", "source")):
        if given in overlay.entries and other not in overlay.entries:
            base = without(base, other)
    before, after = (node.entries["source"].value if "source" in node.entries else None for node in (base, overlay))
    if isinstance(before, MappingNode) and isinstance(after, MappingNode) and not after.entries.keys() & before.entries:
        base = without(base, "source")
    merged = merge(base, overlay)
    assert isinstance(merged, MappingNode)
    return merged
