// Devices and pairing as on OpenClaw 2026.9.6: proofs of keys, immediate pairing, pairing
// requests, and the methods and events for operators.
import { createHash, createPublicKey, randomBytes, randomUUID, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { info } from "./log.mjs";
import { problemOf, text } from "./parameters.mjs";
import { FOLDER } from "./settings.mjs";

const FILE = `${FOLDER}/state/standin-devices.json`;
const PENDING_TTL = 300_000;
const SIGNATURE_AGE = 120_000;
const PAIRING = "operator.pairing", ADMIN = "operator.admin";

const { pending, paired } = readState();
// Open connections: { scopes, deviceId, event, close } of each.
const audience = new Set();

export const enter = (listener) => audience.add(listener);
export const leave = (listener) => audience.delete(listener);

function readState() {
  try {
    const { pending, paired } = JSON.parse(readFileSync(FILE, "utf8"));
    return { pending: new Map(pending), paired: new Map(paired) };
  } catch {
    return { pending: new Map(), paired: new Map() };
  }
}

const keep = () => writeFileSync(FILE, JSON.stringify({ pending: [...pending], paired: [...paired] }), { mode: 0o600 });

// What is wrong with a page's origin; undefined if it is valid or the client is no page.
export function originProblem({ origin, host }, allowedOrigins) {
  if (!origin || allowedOrigins.includes("*") || allowedOrigins.includes(origin)) return undefined;
  const url = URL.canParse(origin) && new URL(origin);
  if (url && url.host === host && isTrusted(url.hostname)) return undefined;
  return "origin not allowed";
}

// A loopback name is valid only for a client on the gateway's own loopback, so not in a container.
const isTrusted = (name) => (!isLoopback(name) && isPrivate(name)) || name.endsWith(".local") || name.endsWith(".ts.net");
const isLoopback = (name) => name === "localhost" || name.startsWith("127.") || name === "[::1]";

function isPrivate(address) {
  const bare = address.replace(/^\[|\]$/g, "").replace(/^::ffff:/, "");
  if (isIPv4(bare)) return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(bare);
  return isIPv6(bare) && /^(::1$|f[cd]|fe[89ab])/i.test(bare);
}

// What is wrong with a device's proof, as [words, code, reason]; undefined if it is valid.
export function proofProblem(parameters, nonce) {
  const { device, client, auth = {}, role = "operator", scopes = [] } = parameters;
  const key = Buffer.from(device.publicKey, "base64url");
  if (createHash("sha256").update(key).digest("hex") !== device.id) {
    return ["device identity mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH", "device-id-mismatch"];
  }
  if (Math.abs(Date.now() - device.signedAt) > SIGNATURE_AGE) {
    return ["device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED", "device-signature-stale"];
  }
  if (device.nonce !== nonce) return ["device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH", "device-nonce-mismatch"];
  const token = auth.token ?? auth.deviceToken ?? auth.bootstrapToken ?? "";
  const signed = [
    "v3", device.id, client.id, client.mode, role, scopes.join(","), device.signedAt, token, nonce,
    lowered(client.platform), lowered(client.deviceFamily),
  ].join("|");
  if (!isSigned(device, signed)) return ["device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID", "device-signature"];
  return undefined;
}

const lowered = (text = "") => text.trim().toLowerCase();

function isSigned({ publicKey, signature }, signed) {
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
    return verify(null, Buffer.from(signed), key, Buffer.from(signature, "base64url"));
  } catch {
    return false;
  }
}

// Accept a device that sent the right token, or return why it has to wait: { message, details }.
export function admit(parameters, request) {
  const asked = describe(parameters, request);
  const known = paired.get(asked.deviceId);
  const isKnown = known?.publicKey === asked.publicKey;
  if (isKnown && allows(known.scopes, asked.scopes)) return seen(known, asked);
  if (isSilent(parameters.client, request)) {
    pair(asked, "silent", known);
    info("gateway", `device pairing auto-approved device=${asked.deviceId} role=${asked.role}`);
    return undefined;
  }
  return waiting(asked, isKnown ? known : undefined);
}

function describe({ client, device, role = "operator", scopes = [] }, request) {
  return {
    deviceId: device.id, publicKey: device.publicKey, displayName: client.displayName, platform: client.platform,
    deviceFamily: client.deviceFamily, clientId: client.id, clientMode: client.mode, role, roles: [role], scopes,
    remoteIp: request.address,
  };
}

function seen(known, asked) {
  Object.assign(known, { remoteIp: asked.remoteIp, lastSeenAtMs: Date.now(), lastSeenReason: "connect" });
  keep();
}

// A page on this host with the token: a private address connects to a loopback name.
function isSilent(client, { address, origin, host }) {
  const named = URL.canParse(origin) && isLoopback(new URL(origin).hostname) && isLoopback(host.replace(/:\d+$/, ""));
  return client.id === "openclaw-control-ui" && client.mode === "webchat" && named && isPrivate(address);
}

function pair(asked, approvedVia, before) {
  const { silent, isRepair, requestId, ts, ...device } = asked;
  const now = Date.now();
  const scopes = [...new Set([...(before?.scopes ?? []), ...asked.scopes])];
  paired.set(asked.deviceId, {
    ...device, scopes, approvedVia, createdAtMs: before?.createdAtMs ?? now, approvedAtMs: now,
    ...(approvedVia === "silent" ? { lastSeenAtMs: now, lastSeenReason: "connect" } : {}),
    tokens: [{ role: asked.role, scopes, createdAtMs: now }],
  });
  keep();
}

function waiting(asked, known) {
  forgetExpired();
  const request = renew(asked, known);
  const upgrade = Boolean(known);
  const message = `pairing required: device is ${upgrade ? "asking for more scopes than currently approved" : "not approved yet"}`;
  return {
    message,
    closeReason: `${message} (requestId: ${request.requestId})`,
    details: {
      code: "PAIRING_REQUIRED", reason: upgrade ? "scope-upgrade" : "not-paired", requestId: request.requestId,
      remediationHint: upgrade
        ? "Review the requested scopes, then approve the pending upgrade."
        : "Approve this device from the pending pairing requests.",
      ...(asked.clientId === "openclaw-control-ui"
        ? { recommendedNextStep: "wait_then_retry", retryable: true, pauseReconnect: false } : {}),
      deviceId: asked.deviceId, requestedRole: asked.role, requestedScopes: asked.scopes,
      ...(upgrade ? { approvedRoles: known.roles, approvedScopes: [...known.scopes].sort() } : {}),
    },
  };
}

// A repeated request stays the same; another request of the same device replaces it.
function renew(asked, known) {
  const before = [...pending.values()].find(({ deviceId }) => deviceId === asked.deviceId);
  if (before && before.publicKey === asked.publicKey && String(before.scopes) === String(asked.scopes)) {
    before.refreshedAtMs = Date.now();
    keep();
    return before;
  }
  if (before) resolve(before, "rejected");
  const request = { requestId: randomUUID(), ...asked, silent: false, isRepair: Boolean(known), ts: Date.now() };
  pending.set(request.requestId, request);
  keep();
  tell("device.pair.requested", request);
  return request;
}

function forgetExpired() {
  for (const { requestId, ts, refreshedAtMs } of pending.values()) {
    if (Date.now() - (refreshedAtMs ?? ts) > PENDING_TTL) pending.delete(requestId);
  }
}

function resolve({ requestId, deviceId }, decision) {
  pending.delete(requestId);
  keep();
  tell("device.pair.resolved", { requestId, deviceId, decision, ts: Date.now() });
}

function tell(event, payload) {
  for (const listener of audience) if (allows(listener.scopes, [PAIRING])) listener.event(event, payload);
}

function allows(given, wanted) {
  const wide = new Set(given);
  if (wide.has("operator.write")) wide.add("operator.read");
  return wide.has(ADMIN) || wanted.every((scope) => wide.has(scope));
}

const REQUEST = { required: { requestId: text }, optional: {} };
const METHODS = {
  "device.pair.list": { parameters: { required: {}, optional: {} }, call: list },
  "device.pair.approve": { parameters: REQUEST, call: approve },
  "device.pair.reject": { parameters: REQUEST, call: reject },
  "device.pair.remove": { parameters: { required: { deviceId: text }, optional: {} }, call: remove },
};
export const METHOD_NAMES = Object.keys(METHODS);

// The answer to a method: { payload }, or { message } and its error; undefined for other methods.
export function answerTo({ method, params = {} }, scopes) {
  const known = METHODS[method];
  if (!known) return undefined;
  if (!allows(scopes, [PAIRING])) return missing(PAIRING);
  const problem = problemOf(params, known.parameters);
  if (problem) return { message: `invalid ${method} params: ${problem}` };
  forgetExpired();
  return known.call(params, scopes);
}

export function missing(scope) {
  return {
    message: `missing scope: ${scope}`,
    error: { code: "FORBIDDEN", details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] } },
  };
}

function list() {
  const connected = new Set([...audience].map(({ deviceId }) => deviceId));
  return {
    payload: {
      pending: [...pending.values()].reverse(),
      paired: [...paired.values()].reverse().map((device) => ({ ...device, connected: connected.has(device.deviceId) })),
    },
  };
}

function approve({ requestId }, scopes) {
  const request = pending.get(requestId.trim());
  if (!request) return { message: scopes.includes(ADMIN) ? "unknown requestId" : "device pairing approval denied" };
  const lacking = request.scopes.find((scope) => !allows(scopes, [scope]));
  if (lacking) return { message: `missing scope: ${lacking}` };
  pair(request, "owner", paired.get(request.deviceId));
  info("gateway", `device pairing approved device=${request.deviceId} role=${request.role}`);
  resolve(request, "approved");
  return { payload: { requestId: request.requestId, device: paired.get(request.deviceId) } };
}

function reject({ requestId }) {
  const request = pending.get(requestId.trim());
  if (!request) return { message: "unknown requestId" };
  resolve(request, "rejected");
  return { payload: { requestId: request.requestId, deviceId: request.deviceId } };
}

function remove({ deviceId }) {
  if (!paired.delete(deviceId)) return { message: "unknown deviceId" };
  keep();
  info("gateway", `device pairing removed device=${deviceId}`);
  for (const listener of audience) if (listener.deviceId === deviceId) listener.close(4001, "device removed");
  return { payload: { deviceId } };
}

export const newDeviceToken = () => randomBytes(32).toString("base64url");
