"""The named points of the pipeline at which a test can kill a worker.

A point is before or after one durable write through a gateway, in one use case. Every write that the guarantees depend
on has a point on each side, so the points include a crash between any two writes.
"""

from dataclasses import dataclass
from enum import StrEnum


class Scene(StrEnum):
    """The use case on whose behalf a gateway is called."""

    INTAKE = "intake"
    ARCHIVING = "archiving"
    SWEEP = "sweep"
    CALLING = "calling"  # automatic recording of a call


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A call of a gateway."""

    scene: Scene | None
    call: str
    trait: (
        str | None
    )  # distinguishes calls of one method: a chunk's new state, a job's delay, or the kind of a file or row
    about: str  # keys, names and locations in its arguments


@dataclass(frozen=True, kw_only=True)
class Point:
    name: str
    scene: Scene
    moment: Moment
    call: str
    trait: str | None = None

    def matches(self, step: Step, moment: Moment) -> bool:
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
    *_sides(Scene.ARCHIVING, "removing-from-worklist", "Worklist.remove"),
    *_sides(Scene.ARCHIVING, "queueing-a-retry", "JobQueue.send", "later"),
    *_sides(Scene.ARCHIVING, "writing-pending", "Catalogue.replace", "pending"),
    *_sides(Scene.ARCHIVING, "writing-failed", "Catalogue.replace", "failed"),
    *_sides(Scene.SWEEP, "queueing-again", "JobQueue.send"),
    *_sides(Scene.SWEEP, "scheduling-the-next-check", "Worklist.add"),
    *_sides(Scene.SWEEP, "escalating", "Catalogue.replace", "pending"),
    *_sides(Scene.SWEEP, "writing-lost", "Catalogue.replace", "lost"),
    *_sides(Scene.SWEEP, "announcing", "Topic.publish"),
    *_sides(Scene.SWEEP, "removing-from-worklist", "Worklist.remove"),
    *_sides(Scene.CALLING, "claiming", "Claims.begin"),
    *_sides(Scene.CALLING, "adding-to-worklist", "Worklist.add", "call"),
    *_sides(Scene.CALLING, "starting", "CallRecorder.start"),
    *_sides(Scene.CALLING, "writing-the-ledger", "Catalogue.merge"),
    *_sides(Scene.CALLING, "completing-the-claim", "Claims.write"),
)

POINTS: dict[str, Point] = {point.name: point for point in _ALL}
