"""The durable steps of the pipeline at which a worker can be made to die, by name.

A point is a place in the order of durable writes: before or after one call of a gateway, in one use case. Every write
that the promise rests on has a point on either side of it, so a crash between any two of them is among these.
"""

from dataclasses import dataclass
from enum import StrEnum


class Scene(StrEnum):
    """The use case on whose behalf a gateway is called."""

    INTAKE = "intake"
    ARCHIVING = "archiving"
    SWEEP = "sweep"
    CALLING = "calling"  # a call is recorded automatically


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A call of a gateway, as the plugin sees it go by."""

    scene: Scene | None
    call: str
    trait: str | None  # which of the calls of that name: a chunk's new state, a job's delay, a file's or a row's kind
    about: str  # the keys, names and locations it was called with


@dataclass(frozen=True, kw_only=True)
class Point:
    name: str
    scene: Scene
    moment: Moment
    call: str
    trait: str | None = None

    def meets(self, step: Step, moment: Moment) -> bool:
        return (self.scene, self.moment, self.call) == (step.scene, moment, step.call) and self.trait in {
            None,
            step.trait,
        }


def _sides(scene: Scene, name: str, call: str, trait: str | None = None) -> tuple[Point, Point]:
    """The points on both sides of one durable write."""
    before, after = (
        Point(name=f"{scene}-{moment}-{name}", scene=scene, moment=moment, call=call, trait=trait) for moment in Moment
    )
    return before, after


_ALL = (
    *_sides(Scene.INTAKE, "announcing", "Catalogue.add_chunks"),
    *_sides(Scene.INTAKE, "adding-to-worklist", "Worklist.add"),
    *_sides(Scene.INTAKE, "queueing", "JobQueue.send"),
    *_sides(Scene.ARCHIVING, "claiming", "Catalogue.replace", "copying"),
    *_sides(Scene.ARCHIVING, "storing-metadata", "ArchiveFile.put", "metadata"),
    *_sides(Scene.ARCHIVING, "storing-media", "ArchiveFile.put", "media"),
    *_sides(Scene.ARCHIVING, "staging-a-block", "ArchiveFile.stage", "media"),
    *_sides(Scene.ARCHIVING, "committing", "ArchiveFile.commit", "media"),
    *_sides(Scene.ARCHIVING, "labelling", "ArchiveFile.write_digest", "media"),
    *_sides(Scene.ARCHIVING, "writing-archived", "Catalogue.replace", "archived"),
    *_sides(Scene.ARCHIVING, "announcing", "Topic.publish"),
    *_sides(Scene.ARCHIVING, "deleting-the-source", "MediaSource.delete"),
    *_sides(Scene.ARCHIVING, "writing-released", "Catalogue.replace", "released"),
    *_sides(Scene.ARCHIVING, "taking-off-worklist", "Worklist.remove"),
    *_sides(Scene.ARCHIVING, "queueing-a-retry", "JobQueue.send", "later"),
    *_sides(Scene.ARCHIVING, "writing-pending", "Catalogue.replace", "pending"),
    *_sides(Scene.ARCHIVING, "writing-failed", "Catalogue.replace", "failed"),
    *_sides(Scene.SWEEP, "queueing-anew", "JobQueue.send"),
    *_sides(Scene.SWEEP, "saying-when-to-look-again", "Worklist.add"),
    *_sides(Scene.SWEEP, "escalating", "Catalogue.replace", "pending"),
    *_sides(Scene.SWEEP, "writing-lost", "Catalogue.replace", "lost"),
    *_sides(Scene.SWEEP, "announcing", "Topic.publish"),
    *_sides(Scene.SWEEP, "taking-off-worklist", "Worklist.remove"),
    *_sides(Scene.CALLING, "claiming", "Claims.begin"),
    *_sides(Scene.CALLING, "adding-to-worklist", "Worklist.add", "call"),
    *_sides(Scene.CALLING, "starting", "CallRecorder.start"),
    *_sides(Scene.CALLING, "writing-the-ledger", "Catalogue.merge"),
    *_sides(Scene.CALLING, "settling", "Claims.write"),
)

POINTS: dict[str, Point] = {point.name: point for point in _ALL}
