"""For ``syncflow check``: whether the objects can be listed and one of them be read. Nothing is changed there."""

from __future__ import annotations

from collections.abc import Callable

from syncflow.config.models.source_objects import ObjectsSource
from syncflow.errors import SyncflowError
from syncflow.sources.base import Finding
from syncflow.sources.objects.names import matcher
from syncflow.sources.objects.store import PAGE, ChangedError, GoneError, Listed, Store, first_page


async def check_objects(settings: ObjectsSource, *, connect: Callable[[], Store]) -> list[Finding]:
    """Look at the first page of the listing, and at the first byte of the first object that is meant."""
    try:
        store = connect()
        page = await first_page(store)
        meant = [each for each in page if each.size and matcher(settings.match)(each.name)]
        found = [_listing(store, page, meant, settings.match)]
        if meant:
            await store.fetch(meant[0], 0, 1)
            found.append(Finding(f"{meant[0].name} can be read"))
    except (ChangedError, GoneError):  # another one writes there just now
        return found
    except SyncflowError as error:
        return [Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == "SF003")]
    return found


def _listing(store: Store, page: list[Listed], meant: list[Listed], match: str) -> Finding:
    first = "the first " if len(page) >= PAGE else ""
    if not page:
        return Finding(f"{store.place}: there is no object yet")
    size = sum(each.size for each in meant)
    return Finding(f"{store.place}: {len(meant):,} of {first}{len(page):,} objects match `{match}`, {size:,} bytes")
