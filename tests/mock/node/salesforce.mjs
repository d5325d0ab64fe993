// What jsforce does with an organisation, unmodified: node salesforce.mjs http://127.0.0.1:8000
import assert from "node:assert/strict";
import jsforce from "jsforce";

const mock = process.argv[2];
const org = new jsforce.Connection({
  oauth2: { loginUrl: mock, clientId: "demo", clientSecret: "demo" },
  version: "67.0",
});
const user = await org.authorize({ grant_type: "client_credentials" });
assert.match(user.organizationId, /^00D/); // read out of the address in the token's answer
assert.match(user.id, /^005/);

const contacts = org.sobject("Contact");
const made = await contacts.create({ LastName: "Lovelace", External_Id__c: "N1" });
assert.match(made.id, /^003.{15}$/);
assert.equal((await contacts.update({ Id: made.id, FirstName: "Ada" })).success, true);
assert.equal((await contacts.retrieve(made.id)).Name, "Ada Lovelace");

const again = await contacts.upsert({ External_Id__c: "N1", Email: "ada@example.com" }, "External_Id__c");
assert.deepEqual([again.success, again.created], [true, false]);

// Several at once are a collection: each has its own result, in the order sent.
const many = await contacts.create([{ LastName: "Hopper" }, { FirstName: "nameless" }, { LastName: "Noether" }]);
assert.deepEqual(many.map((each) => each.success), [true, false, true]);
assert.equal(many[1].errors[0].statusCode, "REQUIRED_FIELD_MISSING");
const matched = await contacts.upsert(
  [{ External_Id__c: "N1", LastName: "King" }, { External_Id__c: "N2", LastName: "Germain" }],
  "External_Id__c",
);
assert.deepEqual(matched.map((each) => each.created), [false, true]);
assert.deepEqual((await contacts.retrieve([made.id, matched[1].id])).map((each) => each.LastName), ["King", "Germain"]);

const found = await org.query("SELECT Id, LastName FROM Contact WHERE External_Id__c IN ('N1', 'N2') ORDER BY LastName");
assert.deepEqual(found.records.map((each) => each.LastName), ["Germain", "King"]);
const one = await contacts.findOne({ External_Id__c: "N2" }, ["Id", "LastName"]);
assert.equal(one.LastName, "Germain");

assert.equal((await contacts.describe()).fields.find((field) => field.name === "LastName").length, 80);
assert.equal(org.limitInfo.apiUsage.limit > 0, true);

// A session that has ended is renewed without a word, by what the client was given to do it.
const ended = new jsforce.Connection({
  instanceUrl: org.instanceUrl,
  accessToken: "00D000000000000!ended",
  version: "67.0",
  refreshFn: (_, renewed) => renewed(null, org.accessToken),
});
assert.equal((await ended.sobject("Contact").retrieve(made.id)).LastName, "King");

await assert.rejects(contacts.retrieve("003000000000000AAA"), { errorCode: "NOT_FOUND" });
const gone = await contacts.destroy([many[0].id, many[2].id]);
assert.deepEqual(gone.map((each) => each.success), [true, true]);
assert.equal((await contacts.destroy(made.id)).success, true);
await assert.rejects(contacts.destroy(made.id), { errorCode: "ENTITY_IS_DELETED" });

// Many records are a job: its table goes up, and each record's result comes down, in whichever order.
const bulk = org.bulk2;
bulk.pollInterval = 1;
const input = [{ External_Id__c: "B1", LastName: "Carson" }, { External_Id__c: "B2", LastName: "" }];
const loaded = await bulk.loadAndWaitForResults({
  object: "Contact", operation: "upsert", externalIdFieldName: "External_Id__c", input, pollInterval: 1,
});
assert.deepEqual(loaded.successfulResults.map((each) => each.External_Id__c), ["B1"]);
assert.match(loaded.failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:/);
assert.deepEqual(loaded.unprocessedRecords, []);
const job = bulk.createJob({ object: "Contact", operation: "insert" });
await job.open();
await job.uploadData([{ LastName: "Johnson" }]);
await job.abort();
assert.equal((await job.check()).state, "Aborted");
assert.equal((await bulk.job("ingest", { id: job.id }).check()).state, "Aborted");
await job.delete();
await assert.rejects(job.check(), { errorCode: "NOT_FOUND" });
