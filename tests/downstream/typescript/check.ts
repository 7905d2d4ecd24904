/** What a TypeScript consumer may rely on; compiled, never run. `description.ts` is generated from the description. */
import type { paths } from "./description";

const path = "/crm/v3/objects/partner_clients/{partnerClientId}/associations/{toObjectType}/{toObjectId}/{associationType}";
type Associate = paths[typeof path]["put"];
type Parameters = Associate["parameters"]["path"];
type Answer = Associate["responses"][200]["content"]["application/json"];
type Failure = Associate["responses"]["default"]["content"]["application/json"];
type List = NonNullable<paths["/crm/v3/objects/partner_clients"]["get"]["parameters"]["query"]>;

export const parameters: Parameters = {
  partnerClientId: "512",
  toObjectType: "companies",
  toObjectId: "9001",
  associationType: "37",
};

/** The answer that HubSpot documents. */
export const documented: Answer = {
  archived: true,
  createdAt: "2023-11-07T05:31:56Z",
  id: "<string>",
  properties: {},
  updatedAt: "2023-11-07T05:31:56Z",
  archivedAt: "2023-11-07T05:31:56Z",
  associations: {},
  objectWriteTraceId: "<string>",
  propertiesWithHistory: {},
};

/** What HubSpot also sends: a property without a value, and no `archived`. */
export const sparse: Answer = {
  createdAt: "2023-11-07T05:31:56.318Z",
  id: "512",
  properties: { name: "Acme", nickname: null },
  updatedAt: "2023-11-07T05:31:56.318Z",
};

/** No field of an error is sure to be there. */
export const failure: Failure = {};

export const list: List = { limit: 100, properties: ["name", "employees"] };

// @ts-expect-error: an id is text
export const numericId: Answer["id"] = 512;
// @ts-expect-error: a property may have no value
export const value: string = sparse.properties["nickname"];
// @ts-expect-error: an answer may lack `archived`
export const archived: boolean = sparse.archived;
// @ts-expect-error: an answer has an id
export const anonymous: Answer = { createdAt: "", properties: {}, updatedAt: "" };
// @ts-expect-error: the association type is missing
export const incomplete: Parameters = { partnerClientId: "512", toObjectType: "companies", toObjectId: "9001" };
// @ts-expect-error: an association has no request body
export const body: NonNullable<Associate["requestBody"]> = {};
