"""openapi-generator's Python client against the simulator."""

import os

import openapi_client
from openapi_client.models import BatchReadInputSimplePublicObjectId, SimplePublicObjectId

configuration = openapi_client.Configuration(
    host=os.environ["HUBSPOT_BASE_URL"], access_token=os.environ["HUBSPOT_ACCESS_TOKEN"]
)
with openapi_client.ApiClient(configuration) as client:
    associated = openapi_client.AssociationsApi(client).associate_partner_client(
        "512", "companies", "9001", "partner_client_to_company"
    )
    assert associated.id == "512"
    assert associated.associations["companies"].results[0].id == "9001"

    inputs = [SimplePublicObjectId(id="512"), SimplePublicObjectId(id="99999")]
    body = BatchReadInputSimplePublicObjectId(inputs=inputs, properties=["name", "phone"])
    answer = openapi_client.BatchApi(client).batch_read_partner_clients_with_http_info(body)
    assert answer.status_code == 207
    assert answer.data.results[0].properties["phone"] is None
    assert answer.data.num_errors == 1
    assert answer.data.errors[0].context["ids"] == ["99999"]

    try:
        openapi_client.PartnerClientsApi(client).get_partner_client("99999")
        raise AssertionError("it does not exist")
    except openapi_client.exceptions.NotFoundException as error:
        assert error.data.category == "OBJECT_NOT_FOUND", error

# What HubSpot may add.
openapi_client.SimplePublicObject.from_json('{"id": "512", "properties": {}, "new": {"a": 1}}')
