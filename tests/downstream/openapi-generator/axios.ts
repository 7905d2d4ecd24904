/** openapi-generator's client on axios against the simulator. */
import assert from "node:assert/strict";
import { AssociationsApi, BatchApi, Configuration } from "./client";

const configuration = new Configuration({
  basePath: process.env.HUBSPOT_BASE_URL,
  accessToken: process.env.HUBSPOT_ACCESS_TOKEN,
});

async function main() {
  const { data: associated } = await new AssociationsApi(configuration).associatePartnerClient(
    "512",
    "companies",
    "9001",
    "partner_client_to_company",
  );
  assert.equal(associated.associations?.companies?.results[0]?.id, "9001");

  const inputs = [{ id: "512" }, { id: "99999" }];
  const { status, data: batch } = await new BatchApi(configuration).batchReadPartnerClients({
    inputs,
    properties: ["name", "phone"],
  });
  assert.equal(status, 207);
  assert.equal(batch.results[0]?.properties.phone, null);
  assert.equal(batch.numErrors, 1);
  assert.deepEqual(batch.errors?.[0]?.context?.ids, ["99999"]);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
