// What @hubspot/api-client does with an account, unmodified: node hubspot.mjs http://127.0.0.1:8000
import assert from "node:assert/strict";
import { Client } from "@hubspot/api-client";

const mock = process.argv[2];
const account = new Client({ accessToken: "demo", basePath: mock, numberOfApiCallRetries: 0 });
const { basicApi, batchApi, searchApi } = account.crm.contacts;

const made = await basicApi.create({ properties: { email: "Ada@Example.com", firstname: "Ada" }, associations: [] });
assert.equal(made.properties.email, "ada@example.com");
assert.ok(made.createdAt instanceof Date);
const read = await basicApi.getById("ada@example.com", ["firstname", "phone"], undefined, undefined, undefined, "email");
assert.deepEqual([read.id, read.properties.firstname, read.properties.phone], [made.id, "Ada", null]);
assert.equal((await basicApi.update(made.id, { properties: { lastname: "Lovelace" } })).id, made.id);

const refused = await basicApi.create({ properties: { email: "ada@example.com" }, associations: [] }).catch((error) => error);
assert.equal(refused.code, 409);
assert.match(refused.body.message, new RegExp(`Existing ID: ${made.id}`));

// With a trace id on every input the good ones are written, and the answer says which were not.
const inputs = ["c@example.com", "no address", "e@example.com"].map((email, number) => ({
  id: `N${number}`, idProperty: "syncflow_id", objectWriteTraceId: String(number), properties: { email },
}));
const mixed = await batchApi.upsert({ inputs });
assert.equal(mixed.results.length, 2);
assert.deepEqual(mixed.errors[0].context.objectWriteTraceId, ["1"]);
const again = await batchApi.upsert({ inputs: [inputs[0]] });
assert.equal(again.results[0]._new, false);
const some = await batchApi.read({
  inputs: [{ id: "N0" }, { id: "nobody" }], idProperty: "syncflow_id", properties: ["email"], propertiesWithHistory: [],
});
assert.equal(some.results[0].properties.email, "c@example.com");
assert.deepEqual(some.errors[0].context.ids, ["nobody"]);

const filter = { propertyName: "email", operator: "EQ", value: "ada@example.com" };
const hits = await searchApi.doSearch({ filterGroups: [{ filters: [filter] }], properties: ["email"], limit: 10 });
assert.deepEqual([hits.total, hits.results[0].id], [1, made.id]);

const properties = await account.crm.properties.coreApi.getAll("contacts");
assert.equal(properties.results.find((each) => each.name === "email").type, "string");

const page = await basicApi.getPage(2);
assert.equal(page.results.length, 2);
const rest = await basicApi.getPage(2, page.paging.next.after);
assert.equal(rest.results.length, 1);

await batchApi.archive({ inputs: [{ id: again.results[0].id }] });
await basicApi.archive(made.id);
assert.equal((await basicApi.getById(made.id).catch((error) => error)).code, 404);

const token = await account.oauth.tokensApi.create("refresh_token", undefined, undefined, "demo", "demo", "demo");
assert.deepEqual([token.tokenType, token.expiresIn], ["bearer", 1800]);
const stranger = new Client({ accessToken: "nobody's", basePath: mock, numberOfApiCallRetries: 0 });
assert.equal((await stranger.crm.contacts.basicApi.getPage().catch((error) => error)).code, 401);
