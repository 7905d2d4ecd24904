/** openapi-generator's client on fetch against the simulator. */
import assert from "node:assert/strict";
import { AssociationsApi, BatchApi, Configuration, PartnerClientsApi, ResponseError, SimplePublicObjectFromJSON } from "./client";

const configuration = new Configuration({
  basePath: process.env.HUBSPOT_BASE_URL,
  accessToken: process.env.HUBSPOT_ACCESS_TOKEN,
});

async function main() {
  const associated = await new AssociationsApi(configuration).associatePartnerClient({
    partnerClientId: "512",
    toObjectType: "companies",
    toObjectId: "9001",
    associationType: "partner_client_to_company",
  });
  assert.equal(associated.associations?.companies?.results[0]?.id, "9001");

  const answer = await new BatchApi(configuration).batchReadPartnerClientsRaw({
    batchReadInputSimplePublicObjectId: { inputs: [{ id: "512" }, { id: "99999" }], properties: ["name", "phone"] },
  });
  const batch = await answer.value();
  assert.equal(answer.raw.status, 207);
  assert.equal(batch.results[0]?.properties.phone, null);
  assert.equal(batch.numErrors, 1);
  assert.deepEqual(batch.errors?.[0]?.context?.ids, ["99999"]);

  await assert.rejects(new PartnerClientsApi(configuration).getPartnerClient({ partnerClientId: "99999" }), ResponseError);

  // What HubSpot may add.
  assert.deepEqual(SimplePublicObjectFromJSON({ id: "512", properties: {}, new: { a: 1 } }).new, { a: 1 });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
