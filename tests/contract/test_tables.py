"""What the gateways rely on in Table Storage: conditions, transactions, types, filters and pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import EdmType, EntityProperty, TableTransactionError, UpdateMode

from tests.contract.conftest import Storage, code_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
UNCHANGED = MatchConditions.IfNotModified


def entity(row: str = "row", **properties: Any) -> dict[str, Any]:
    return {"PartitionKey": "partition", "RowKey": row, **properties}


async def rows(storage: Storage, found: str, **options: Any) -> list[str]:
    return [row["RowKey"] async for row in storage.table.query_entities(found, **options)]


async def test_an_entity_is_inserted_once(storage: Storage):
    await storage.table.create_entity(entity(value=1))
    with pytest.raises(ResourceExistsError) as caught:
        await storage.table.create_entity(entity(value=2))
    assert (caught.value.status_code, code_of(caught.value)) == (409, None), "SDK 12 gives an insert's error no code"
    assert (await storage.table.get_entity("partition", "row"))["value"] == 1


async def test_values_are_read_back_with_the_types_that_the_sdk_gives_them(storage: Storage):
    moment = datetime(2026, 11, 21, 9, 5, 28, 123456, tzinfo=UTC)
    given = {"text": "it's", "flag": True, "whole": 7, "part": 0.5, "moment": moment, "absent": None}
    await storage.table.create_entity(entity(**given, size=EntityProperty(2**40, EdmType.INT64)))
    read = await storage.table.get_entity("partition", "row")
    assert {name: read.get(name) for name in given} == given
    assert read["size"] == EntityProperty(2**40, EdmType.INT64)
    assert read["moment"].tzinfo is not None
    assert "absent" not in read
    assert read.metadata["timestamp"].tzinfo is not None


async def test_every_write_makes_a_new_version(storage: Storage):
    written = [
        await storage.table.create_entity(entity(value=1)),
        await storage.table.upsert_entity(entity(value=1), mode=UpdateMode.REPLACE),
        await storage.table.update_entity(entity(value=1), mode=UpdateMode.MERGE),
    ]
    assert len({one["etag"] for one in written}) == 3
    assert (await storage.table.get_entity("partition", "row")).metadata["etag"] == written[-1]["etag"]


async def test_a_replace_drops_properties_and_a_merge_keeps_them(storage: Storage):
    await storage.table.create_entity(entity(first=1, second="2"))
    await storage.table.update_entity(entity(second=EntityProperty(2, EdmType.INT64)), mode=UpdateMode.MERGE)
    merged = await storage.table.get_entity("partition", "row")
    assert (merged["first"], merged["second"]) == (1, EntityProperty(2, EdmType.INT64))
    await storage.table.update_entity(entity(second="again"), mode=UpdateMode.REPLACE)
    replaced = await storage.table.get_entity("partition", "row")
    assert ("first" in replaced, replaced["second"]) == (False, "again")
    await storage.table.upsert_entity(entity(third=3))
    assert (await storage.table.get_entity("partition", "row"))["second"] == "again", "an upsert merges by default"


@pytest.mark.parametrize("mode", [UpdateMode.MERGE, UpdateMode.REPLACE])
async def test_a_write_on_an_older_version_is_refused(storage: Storage, mode: UpdateMode):
    old = (await storage.table.create_entity(entity(value=1)))["etag"]
    new = (await storage.table.update_entity(entity(value=2), mode=mode, etag=old, match_condition=UNCHANGED))["etag"]
    with pytest.raises(ResourceModifiedError) as caught:
        await storage.table.update_entity(entity(value=3), mode=mode, etag=old, match_condition=UNCHANGED)
    assert (caught.value.status_code, code_of(caught.value)) == (412, "UpdateConditionNotSatisfied")
    with pytest.raises(ResourceModifiedError):
        await storage.table.delete_entity("partition", "row", etag=old, match_condition=UNCHANGED)
    assert (await storage.table.get_entity("partition", "row"))["value"] == 2
    await storage.table.delete_entity("partition", "row", etag=new, match_condition=UNCHANGED)


async def test_an_entity_that_was_read_brings_its_own_condition(storage: Storage):
    await storage.table.create_entity(entity())
    read = await storage.table.get_entity("partition", "row")
    await storage.table.upsert_entity(entity(value=2))
    with pytest.raises(ResourceModifiedError):
        await storage.table.delete_entity(read, etag=read.metadata["etag"], match_condition=UNCHANGED)


async def test_an_absent_row_differs_from_an_absent_table(storage: Storage):
    nowhere = storage.tables.get_table_client(f"nowhere{storage.mark}")
    for table, code in ((storage.table, "ResourceNotFound"), (nowhere, "TableNotFound")):
        with pytest.raises(ResourceNotFoundError) as read:
            await table.get_entity("partition", "row")
        with pytest.raises(ResourceNotFoundError) as written:
            await table.update_entity(entity(), etag='W/"1"', match_condition=UNCHANGED)
        assert (code_of(read.value), code_of(written.value)) == (code, code)
        await table.delete_entity("partition", "row")  # raises nothing
    with pytest.raises(ResourceNotFoundError):
        await nowhere.create_entity(entity())
    with pytest.raises(HttpResponseError) as queried:
        [row async for row in nowhere.query_entities("PartitionKey eq 'partition'")]
    assert code_of(queried.value) == "TableNotFound"


async def test_a_transaction_is_carried_out_whole(storage: Storage):
    etag = (await storage.table.create_entity(entity("old", value=1, kept=True)))["etag"]
    await storage.table.create_entity(entity("gone"))
    answers = await storage.table.submit_transaction(
        [
            ("create", entity("new")),
            ("update", entity("old", value=2), {"etag": etag, "match_condition": UNCHANGED}),
            ("upsert", entity("either"), {"mode": UpdateMode.REPLACE}),
            ("delete", entity("gone")),
        ]
    )
    assert await rows(storage, "PartitionKey eq 'partition'") == ["either", "new", "old"]
    old = await storage.table.get_entity("partition", "old")
    assert (old["value"], old["kept"]) == (2, True), "an update in a transaction merges by default"
    assert answers[1]["etag"] == old.metadata["etag"]


@pytest.mark.parametrize(
    ("failing", "status", "code"),
    [
        (("create", entity("old")), 409, "EntityAlreadyExists"),
        (
            ("update", entity("old"), {"etag": 'W/"1"', "match_condition": UNCHANGED}),
            412,
            "UpdateConditionNotSatisfied",
        ),
        (("update", entity("nowhere")), 404, "ResourceNotFound"),
    ],
    ids=["exists", "changed", "absent"],
)
async def test_a_transaction_with_one_failing_part_changes_nothing(
    storage: Storage, failing: Any, status: int, code: str
):
    etag = (await storage.table.create_entity(entity("old", value=1)))["etag"]
    with pytest.raises(TableTransactionError) as caught:
        await storage.table.submit_transaction([("create", entity("new")), failing])
    assert (caught.value.status_code, code_of(caught.value)) == (status, code)
    assert await rows(storage, "PartitionKey eq 'partition'") == ["old"]
    assert (await storage.table.get_entity("partition", "old")).metadata["etag"] == etag


async def test_a_transaction_has_one_partition_and_names_an_entity_once(storage: Storage):
    elsewhere = {"PartitionKey": "elsewhere", "RowKey": "row"}
    with pytest.raises(ValueError, match="same"):
        await storage.table.submit_transaction([("create", entity()), ("create", elsewhere)])
    with pytest.raises(HttpResponseError) as caught:
        await storage.table.submit_transaction([("upsert", entity()), ("upsert", entity())])
    assert caught.value.status_code == 400
    assert await rows(storage, "PartitionKey eq 'partition'") == []


async def test_filters_compare_keys_text_numbers_and_moments(storage: Storage):
    day = [datetime(2026, 11, number, tzinfo=UTC) for number in range(1, 5)]
    for number, moment in enumerate(day):
        await storage.table.create_entity(entity(f"row-{number}", due=moment, number=number, text=f"it's {number}"))
    await storage.table.create_entity(entity("row-4"))
    within = {"key": "partition", "first": "row-1", "last": "row-3"}
    assert await rows(storage, "PartitionKey eq @key and RowKey gt @first and RowKey le @last", parameters=within) == [
        "row-2",
        "row-3",
    ]
    assert await rows(storage, "due le @due and RowKey gt @after", parameters={"due": day[2], "after": "row-0"}) == [
        "row-1",
        "row-2",
    ], "a row without the property doesn't pass"
    read = (await storage.table.get_entity("partition", "row-1"))["due"]  # of the SDK's own subclass of datetime
    assert await rows(storage, "due le @due", parameters={"due": read}) == ["row-0", "row-1"]
    assert await rows(storage, "number ge @least", parameters={"least": 2}) == ["row-2", "row-3"]
    assert await rows(storage, "text eq @text", parameters={"text": "it's 3"}) == ["row-3"]
    later = datetime(2100, 1, 1, tzinfo=UTC)
    assert len(await rows(storage, "Timestamp lt @before", parameters={"before": later})) == 5


async def test_pages_come_in_the_order_of_the_keys_and_go_on_where_the_last_one_ended(storage: Storage):
    for partition in ("b", "a"):
        for row in ("2", "1", "3"):
            await storage.table.create_entity({"PartitionKey": partition, "RowKey": row})
    pages = storage.table.query_entities("RowKey ge '1'", results_per_page=2).by_page()
    found = [[(row["PartitionKey"], row["RowKey"]) async for row in page] async for page in pages]
    assert found == [[("a", "1"), ("a", "2")], [("a", "3"), ("b", "1")], [("b", "2"), ("b", "3")]]
    one = storage.table.query_entities("PartitionKey eq 'a'", results_per_page=5).by_page()
    async for page in one:
        assert len([row async for row in page]) == 3
        assert one.continuation_token is None, "there is no more"


async def test_a_selection_has_the_version_and_nothing_that_was_not_asked_for(storage: Storage):
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    etag = (await storage.table.create_entity(entity(moment=moment, other=1)))["etag"]
    found = await storage.table.get_entity("partition", "row", select=["RowKey", "moment", "absent"])
    assert (found["RowKey"], found["moment"], found.get("absent")) == ("row", moment, None)
    assert found.metadata["etag"] == etag
    assert "other" not in found
    queried = [row async for row in storage.table.query_entities("RowKey eq 'row'", select=["RowKey"])]
    assert [row.metadata["etag"] for row in queried] == [etag]


async def test_what_is_too_large_is_refused(storage: Storage):
    with pytest.raises(HttpResponseError) as caught:
        await storage.table.upsert_entity(entity(text="x" * (32 * 1024 + 1)))
    assert (caught.value.status_code, code_of(caught.value)) == (400, "PropertyValueTooLarge")
    await storage.table.upsert_entity(entity(text="x" * 32 * 1024))
