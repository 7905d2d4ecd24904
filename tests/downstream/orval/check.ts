/** orval's client on fetch against the simulator. */
import assert from "node:assert/strict";
import { associatePartnerClient, batchReadPartnerClients } from "./client";

const headers = { authorization: `Bearer ${process.env.HUBSPOT_ACCESS_TOKEN}` };

async function main() {
  const associated = await associatePartnerClient("512", "companies", "9001", "partner_client_to_company", { headers });
  assert(associated.status === 200);
  assert.equal(associated.data.associations?.companies?.results[0]?.id, "9001");

  const body = { inputs: [{ id: "512" }, { id: "99999" }], properties: ["name", "phone"] };
  const batch = await batchReadPartnerClients(body, {}, { headers });
  assert(batch.status === 207);
  assert.equal(batch.data.results[0]?.properties.phone, null);
  assert.equal(batch.data.numErrors, 1);
  assert.deepEqual(batch.data.errors?.[0]?.context?.ids, ["99999"]);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
