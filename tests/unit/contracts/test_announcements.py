"""Subscribers rely on the documentation of announcements: its examples and fields must match the code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from shared.contracts.events.announcements import Announcement, AnnouncementType, ChunkData, CompleteData

DOCUMENT = (Path(__file__).parents[3] / "docs" / "announcements.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_each_documented_example_matches_the_code(example: dict[str, Any]):
    assert json.loads(Announcement.model_validate(example).encode()) == example


@pytest.mark.parametrize(
    ("heading", "model"), [("Attributes", Announcement), ("Of a chunk", ChunkData), ("Of a recording", CompleteData)]
)
def test_every_field_is_documented_under_its_type(heading: str, model: type[BaseModel]):
    section = DOCUMENT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    documented = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    assert documented == {field.alias or name for name, field in model.model_fields.items()}


def test_every_type_is_documented():
    assert set(re.findall(r"Callvault\.\w+", DOCUMENT)) == {str(one) for one in AnnouncementType}
