// The schema of frames and of `connect`'s parameters; errors have the wording of OpenClaw's
// validator.

const CLIENT_IDS = [
  "webchat-ui", "openclaw-control-ui", "openclaw-browser-copilot", "openclaw-tui", "webchat", "cli",
  "gateway-client", "openclaw-macos", "openclaw-linux", "openclaw-ios", "openclaw-watchos",
  "openclaw-android", "node-host", "openclaw-worker", "test", "fingerprint", "openclaw-probe",
];
const CLIENT_MODES = ["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"];

const string = (value) => (typeof value === "string" ? undefined : "must be string");
export const text = (value) => string(value) ?? (value ? undefined : "must not have fewer than 1 characters");
const version = (value) => (Number.isInteger(value) ? value < 1 ? "must be >= 1" : undefined : "must be integer");
const integer = (value) => (Number.isInteger(value) ? undefined : "must be integer");
const strings = (value) => (Array.isArray(value) ? value.map(string).find(Boolean) : "must be array");
const oneOf = (values) => (value) => (values.includes(value) ? undefined : "must be equal to one of the allowed values");
const exactly = (wanted) => (value) => string(value) ?? (value === wanted ? undefined : "must be equal to constant");
const anything = () => undefined;

const CLIENT = {
  required: { id: oneOf(CLIENT_IDS), version: text, platform: text, mode: oneOf(CLIENT_MODES) },
  optional: {
    displayName: text, buildId: text, deviceFamily: text, modelIdentifier: text, timeZone: text, instanceId: text,
  },
};
const DEVICE = {
  required: { id: text, publicKey: text, signature: text, signedAt: integer, nonce: text },
  optional: {},
};
const AUTH = {
  required: {},
  optional: {
    token: string, bootstrapToken: string, deviceToken: string, password: string,
    approvalRuntimeToken: string, agentRuntimeIdentityToken: string,
  },
};
export const CONNECT = {
  required: { minProtocol: version, maxProtocol: version, client: CLIENT },
  optional: {
    caps: anything, commands: anything, computerUse: anything, workerRuns: anything, permissions: anything,
    pathEnv: string, role: text, scopes: strings, modelCatalog: anything, device: DEVICE, auth: AUTH,
    locale: string, userAgent: string,
  },
};
export const REQUEST = {
  required: { type: exactly("req"), id: text, method: text },
  optional: { params: anything, traceparent: string, expectedProfileId: text },
};

// The first error in a value; undefined if it is valid.
export function problemOf(value, shape, path = "") {
  const where = path && `at ${path}: `;
  if (typeof shape === "function") return shape(value) && `${where}${shape(value)}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return `${where}must be object`;
  const fields = { ...shape.required, ...shape.optional };
  const missing = Object.keys(shape.required).find((name) => !(name in value));
  if (missing) return `${where}must have required property '${missing}'`;
  const unexpected = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  if (unexpected) return `at ${path || "root"}: unexpected property '${unexpected}'`;
  for (const [name, field] of Object.entries(value)) {
    const problem = problemOf(field, fields[name], `${path}/${name}`);
    if (problem) return problem;
  }
  return undefined;
}
