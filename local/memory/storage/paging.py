"""Lists that come in pages, as the SDK's clients give them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from azure.core.async_paging import AsyncItemPaged, AsyncList


class Paged[Item](AsyncItemPaged[Item]):
    """All items, or by page, as the SDK's AsyncItemPaged, but without its three coroutines for each item.

    `page` returns the items from a place on, and the place of the next page if there is one.
    """

    def __init__(self, page: Callable[[Any], Awaitable[tuple[Any, list[Item]]]]) -> None:
        super().__init__(page, _extracted)
        self._get_page, self._next = page, None
        self._items: Iterator[Item] = iter(())
        self._is_last = False

    async def __anext__(self) -> Item:
        while True:
            for item in self._items:
                return item
            if self._is_last:
                raise StopAsyncIteration
            self._next, items = await self._get_page(self._next)
            self._items, self._is_last = iter(items), self._next is None


async def _extracted[Item](answer: tuple[Any, list[Item]]) -> tuple[Any, AsyncIterator[Item]]:
    following, items = answer
    return following, AsyncList(items)
