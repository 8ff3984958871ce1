// Organizations on the served AWS, and the command run on them.
"use strict";

const { execFileSync } = require("node:child_process");

const endpoint = process.env.AWS_ENDPOINT_URL;
const account = process.env.AWS_ACCESS_KEY_ID;
const PATIENCE_MS = 60_000;

/** A request of the account's administrator, whose signature the local AWS does not look at. */
async function ask(service, method, path, headers, body) {
  const scope = `${account}/20260101/us-east-1/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`;
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const answer = await fetch(endpoint + path, { method, body, headers: { authorization, "x-amz-date": date, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", ...headers } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${service} ${method} ${path}: ${answer.status} ${text}`);
  return text;
}

/** Runs the command: its exit code and output. */
function checklist(...args) {
  try {
    return { code: 0, out: execFileSync(process.env.ORGCTL, ["checklist", ...args], { encoding: "utf8" }) };
  } catch (error) {
    return { code: error.status, out: error.stdout + error.stderr };
  }
}

/** Signs organizations up, and waits until each passes. */
async function provision(orgs) {
  const entries = orgs.map((orgId) => ({
    EventBusName: "org-provisioning", Source: "org-signup", DetailType: "OrgCreated",
    Detail: JSON.stringify({ orgId, environment: "production" }),
  }));
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" };
  await ask("events", "POST", "/", headers, JSON.stringify({ Entries: entries }));
  const begun = Date.now();
  for (const org of orgs) {
    for (let seen = checklist("--org", org); seen.code !== 0; seen = checklist("--org", org)) {
      if (Date.now() - begun > PATIENCE_MS) throw new Error(`${org} is not provisioned: ${seen.out}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** What HTML must not take for its own. */
const HOSTILE = `"'&<script>document.title="broken"</script><img src=http://127.0.0.1:9/x onerror=alert(1)>`;

/** Takes the bucket's tag away, and adds a statement to its policy that has HTML in it. */
async function spoil(org) {
  const bucket = `fusion-rms-${org}`;
  const tags = "<Tagging><TagSet><Tag><Key>OrgState</Key><Value>suspended</Value></Tag></TagSet></Tagging>";
  await ask("s3", "PUT", `/${bucket}?tagging`, {}, tags);
  const policy = JSON.parse(await ask("s3", "GET", `/${bucket}?policy`, {}));
  policy.Statement.push({
    Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/*`,
    Condition: { StringEquals: { "aws:UserAgent": HOSTILE } },
  });
  await ask("s3", "PUT", `/${bucket}?policy`, {}, JSON.stringify(policy));
}

module.exports = { HOSTILE, checklist, provision, spoil };
