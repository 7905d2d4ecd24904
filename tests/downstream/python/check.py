"""What a Python consumer may rely on; `models` is generated from the description."""

from models import BatchResponseSimplePublicObject, Error, SimplePublicObjectWithAssociations
from pydantic import ValidationError

# The answer that HubSpot documents.
documented = {
    "archived": True,
    "createdAt": "2023-11-07T05:31:56Z",
    "id": "<string>",
    "properties": {},
    "updatedAt": "2023-11-07T05:31:56Z",
    "archivedAt": "2023-11-07T05:31:56Z",
    "associations": {},
    "objectWriteTraceId": "<string>",
    "propertiesWithHistory": {},
}
answer = SimplePublicObjectWithAssociations.model_validate(documented)
assert answer.model_dump(mode="json", exclude_unset=True) == documented

# What HubSpot also sends: a property without a value, no `archived`, a field that is new.
sparse = {
    "id": "512",
    "properties": {"name": "Acme", "nickname": None},
    "createdAt": "2023-11-07T05:31:56.318Z",
    "updatedAt": "2023-11-07T05:31:56.318Z",
    "new": 1,
}
answer = SimplePublicObjectWithAssociations.model_validate(sparse)
assert answer.properties["nickname"] is None
assert answer.archived is None

# Enumerations grow, and no field of an error is sure to be there.
batch = {"status": "NEW", "results": [sparse], "startedAt": sparse["createdAt"], "completedAt": sparse["createdAt"]}
assert BatchResponseSimplePublicObject.model_validate(batch).results[0].properties["nickname"] is None
Error.model_validate({})

for wrong in [{**documented, "id": 512}, {**documented, "properties": {"employees": []}}, {"id": "512"}]:
    try:
        SimplePublicObjectWithAssociations.model_validate(wrong)
    except ValidationError:
        continue
    raise AssertionError(f"{wrong} was taken")
