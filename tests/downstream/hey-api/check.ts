/** The client of @hey-api/openapi-ts against the simulator. */
import assert from "node:assert/strict";
import { associatePartnerClient, batchReadPartnerClients, getPartnerClient } from "./client";
import { client } from "./client/client.gen";

client.setConfig({ baseUrl: process.env.HUBSPOT_BASE_URL, auth: process.env.HUBSPOT_ACCESS_TOKEN });

async function main() {
  const { data: associated } = await associatePartnerClient({
    path: {
      partnerClientId: "512",
      toObjectType: "companies",
      toObjectId: "9001",
      associationType: "partner_client_to_company",
    },
    throwOnError: true,
  });
  assert.equal(associated.associations?.companies?.results[0]?.id, "9001");

  const { data: batch, response } = await batchReadPartnerClients({
    body: { inputs: [{ id: "512" }, { id: "99999" }], properties: ["name", "phone"] },
    throwOnError: true,
  });
  assert.equal(response.status, 207);
  assert.equal(batch.results[0]?.properties.phone, null);
  assert.equal(batch.numErrors, 1);
  assert.deepEqual(batch.errors?.[0]?.context?.ids, ["99999"]);

  const { error } = await getPartnerClient({ path: { partnerClientId: "99999" } });
  assert.equal(error?.category, "OBJECT_NOT_FOUND");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
