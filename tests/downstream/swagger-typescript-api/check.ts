/** The client of swagger-typescript-api against the simulator. */
import assert from "node:assert/strict";
import { Api } from "./client/Api";

const api = new Api<string>({
  baseUrl: process.env.HUBSPOT_BASE_URL,
  securityWorker: (token) => ({ headers: { Authorization: `Bearer ${token}` } }),
});
api.setSecurityData(process.env.HUBSPOT_ACCESS_TOKEN ?? null);

async function main() {
  const { data: associated } = await api.crm.associatePartnerClient(
    "512",
    "companies",
    "9001",
    "partner_client_to_company",
  );
  assert.equal(associated.associations?.companies?.results[0]?.id, "9001");

  const inputs = [{ id: "512" }, { id: "99999" }];
  const { status, data: batch } = await api.crm.batchReadPartnerClients({ inputs, properties: ["name", "phone"] });
  assert.equal(status, 207);
  assert.equal(batch.results[0]?.properties.phone, null);
  assert.equal(batch.numErrors, 1);
  assert.deepEqual(batch.errors?.[0]?.context?.ids, ["99999"]);

  const failed = await api.crm.getPartnerClient("99999").catch((failure) => failure);
  assert.equal(failed.error.category, "OBJECT_NOT_FOUND");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
