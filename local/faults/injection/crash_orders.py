"""Orders that are given to running workers: die at a point, or freeze there for a time.

An order is a file. A process renames it before carrying it out. The rename succeeds in one process only, so each order
is carried out once, and its name shows that.
"""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

ARMED, FIRED = ".armed", ".fired"
DIRECTORY_SETTING = "CALLVAULT_FAULTS_DIR"


@dataclass(frozen=True, kw_only=True)
class Order:
    order_id: str
    point: str
    about: tuple[str, ...]  # keys, names or locations that a call must concern; empty: any call
    skip: int = 0  # calls in one process before it is carried out
    freeze: float | None = None  # seconds for which the process freezes; None: it dies


class OrderBook:
    """Reads and writes the directory of orders."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[str, Order] = {}

    def arm(self, point: str, about: tuple[str, ...], *, skip: int = 0, freeze: float | None = None) -> str:
        order_id = uuid.uuid4().hex
        order = {"point": point, "about": about, "skip": skip, "freeze": freeze}
        partial = self._directory / f".{order_id}"
        partial.write_text(json.dumps(order))
        partial.rename(self._path(order_id, ARMED))
        return order_id

    def disarm(self, order_id: str) -> bool:
        """Withdraws the order. False if it was already carried out."""
        try:
            self._path(order_id, ARMED).unlink()
        except FileNotFoundError:
            return False
        return True

    def has_fired(self, order_id: str) -> bool:
        return self._path(order_id, FIRED).exists()

    def armed(self) -> list[Order]:
        """Orders that weren't carried out yet."""
        found = []
        for path in self._directory.glob(f"*{ARMED}"):
            order = self._read.get(path.stem) or self._load(path)
            if order is not None:
                found.append(order)
        return found

    def take(self, order: Order) -> bool:
        """Claims the order. True for exactly one caller, which must carry it out."""
        try:
            self._path(order.order_id, ARMED).rename(self._path(order.order_id, FIRED))
        except FileNotFoundError:
            return False
        return True

    def _load(self, path: Path) -> Order | None:
        try:
            given = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        order = Order(
            order_id=path.stem,
            point=given["point"],
            about=tuple(given["about"]),
            skip=given["skip"],
            freeze=given["freeze"],
        )
        self._read[order.order_id] = order
        return order

    def _path(self, order_id: str, state: str) -> Path:
        return self._directory / f"{order_id}{state}"
