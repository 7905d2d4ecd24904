// Prism as a mock server and as a proxy that checks what passes, whose addresses are the arguments.
import assert from "node:assert/strict";

const [mock, proxy] = process.argv.slice(2);
const association = "/crm/v3/objects/partner_clients/512/associations/companies/9001/partner_client_to_company";
const read = "/crm/v3/objects/partner_clients/batch/read";
const body = JSON.stringify({ inputs: [{ id: "512" }, { id: "99999" }], properties: ["name", "phone"] });

async function call(base, method, path, headers = {}, body = undefined) {
  const authorization = `Bearer ${process.env.HUBSPOT_ACCESS_TOKEN}`;
  const answer = await fetch(base + path, {
    method,
    headers: { authorization, "content-type": "application/json", ...headers },
    body,
  });
  return [answer.status, await answer.json()];
}

// The mock answers with the examples, which read as HubSpot's answers do.
const [created, associated] = await call(mock, "PUT", association);
assert.equal(created, 200);
assert.match(associated.id, /^\d+$/);
const [part, batch] = await call(mock, "POST", read, { prefer: "code=207" }, body);
assert.equal(part, 207);
assert.equal(batch.numErrors, batch.errors.length);
const [refused, failure] = await call(mock, "POST", read, {}, "{}");
assert.deepEqual([refused, failure.category], [422, "OBJECT_NOT_FOUND"], "a body without inputs is refused");

// The proxy answers 500 to whatever the description does not have.
const [status, answer] = await call(proxy, "PUT", association);
assert.deepEqual([status, answer.id], [200, "512"]);
const [partly, outcome] = await call(proxy, "POST", read, {}, body);
assert.equal(partly, 207);
assert.equal(outcome.results[0].properties.phone, null);
assert.deepEqual(outcome.errors[0].context.ids, ["99999"]);
assert.equal((await call(proxy, "GET", "/crm/v3/objects/partner_clients/99999"))[0], 404);
