"""openapi-python-client's client against the simulator."""

import os

from client import AuthenticatedClient
from client.api.associations import associate_partner_client
from client.api.batch import batch_read_partner_clients
from client.api.partner_clients import get_partner_client
from client.models import BatchReadInputSimplePublicObjectId, Error, SimplePublicObject, SimplePublicObjectId

client = AuthenticatedClient(base_url=os.environ["HUBSPOT_BASE_URL"], token=os.environ["HUBSPOT_ACCESS_TOKEN"])

associated = associate_partner_client.sync("512", "companies", "9001", "partner_client_to_company", client=client)
assert associated.associations["companies"].results[0].id == "9001"

inputs = [SimplePublicObjectId(id="512"), SimplePublicObjectId(id="99999")]
body = BatchReadInputSimplePublicObjectId(inputs=inputs, properties=["name", "phone"])
answer = batch_read_partner_clients.sync_detailed(client=client, body=body)
assert answer.status_code == 207
assert answer.parsed.results[0].properties["phone"] is None
assert answer.parsed.num_errors == 1
assert answer.parsed.errors[0].context["ids"] == ["99999"]

failure = get_partner_client.sync("99999", client=client)
assert isinstance(failure, Error) and failure.category == "OBJECT_NOT_FOUND"

# What HubSpot may add.
assert SimplePublicObject.from_dict({"id": "512", "properties": {}, "new": 1})["new"] == 1
