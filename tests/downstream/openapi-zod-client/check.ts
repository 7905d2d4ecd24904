/** The client of openapi-zod-client against the simulator. */
import assert from "node:assert/strict";
import { createApiClient, schemas } from "./client";

const token = process.env.HUBSPOT_ACCESS_TOKEN;
const api = createApiClient(process.env.HUBSPOT_BASE_URL ?? "", {
  axiosConfig: { headers: { Authorization: `Bearer ${token}` } },
});

async function main() {
  const associated = await api.associatePartnerClient(undefined, {
    params: {
      partnerClientId: "512",
      toObjectType: "companies",
      toObjectId: "9001",
      associationType: "partner_client_to_company",
    },
  });
  assert.equal(associated.associations?.companies?.results[0]?.id, "9001");

  const inputs = [{ id: "512" }, { id: "99999" }];
  const batch = await api.batchReadPartnerClients({ inputs, properties: ["name", "phone"] });
  assert.equal(batch.results[0]?.properties.phone, null);
  assert.equal(batch.numErrors, 1);
  assert.deepEqual(batch.errors?.[0]?.context?.ids, ["99999"]);

  // What HubSpot may add.
  assert.deepEqual(schemas.SimplePublicObject.parse({ id: "512", properties: {}, new: { a: 1 } }).new, { a: 1 });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
